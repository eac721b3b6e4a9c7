import { expect, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import { normalizePhoneNumber, requirePhoneNumber } from "../../src/formats/phone-number.ts";

test.each([
  ["+15005550006", "+15005550006"],
  ["15005550006", "+15005550006"],
  [" +1 (500) 555-0006 ", "+15005550006"],
  ["+44 (0)20 7183 8750", "+442071838750"],
  ["whatsapp:+15005550006", "+15005550006"],
  ["RCS:+442071838750", "+442071838750"],
  ["tel:+1-500-555-0006", "+15005550006"],
])("%s is one and the same number in E.164", (given, number) => {
  expect(normalizePhoneNumber(given)).toBe(number);
});

test.each(["262966", "12345", "12345678"])("the short code %s stays as it is", (code) => {
  expect(normalizePhoneNumber(code)).toBe(code);
  expect(normalizePhoneNumber(`sms:${code}`)).toBe(code);
});

test.each(["ACME Shop", "C&A", "Disney+", "Domino's", "Yahoo!", "24/7 Gym", "Café", "Привет", "constructor"])(
  "a text from the sender %s is not lost",
  (name) => {
    expect(normalizePhoneNumber(name)).toBe(name);
  },
);

test.each([
  "",
  " ",
  "whatsapp:",
  "anonymous",
  "Unavailable",
  "whatsapp:anonymous",
  "ann@example.org",
  "12",
  "+12345",
  "+0123456789",
  "+1234567890123456",
  "+1 800 FLOWERS",
  "00442071838750",
  "*!+",
  "a\u202eb",
  "a".repeat(65),
])("%j is nobody's number, and none is guessed", (given) => {
  expect(normalizePhoneNumber(given)).toBeUndefined();
  expect(() => requirePhoneNumber(given, "From")).toThrow(ParseError);
  expect(() => requirePhoneNumber(given, "From")).toThrow(/^From: /);
});
