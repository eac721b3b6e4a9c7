import { expect, test } from "vitest";
import { ParseError } from "../../src/errors.ts";
import {
  formsOfNumber,
  normalizePhoneNumber,
  numberOfToday,
  readReceiver,
  requirePhoneNumber,
} from "../../src/formats/phone-number.ts";

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

test.each([
  ["4155550123", "+15005550009", "+14155550123"],
  ["(415) 555-0123", "+15005550009", "+14155550123"],
  ["1 415 555 0123", "+15005550009", "+14155550123"],
  ["415.555.0123", "+15005550009", "+14155550123"],
  ["447911123456", "+15005550009", "+447911123456"],
  ["079 123 45 67", "+41443643535", "+41791234567"],
  ["41791234567", "+41443643535", "+41791234567"],
  ["0151 23456789", "+4930123456", "+4915123456789"],
  ["4915123456789", "+4930123456", "+4915123456789"],
  ["07911 123456", "+442071838750", "+447911123456"],
  ["20 12 34 56", "+4532123456", "+4520123456"],
  ["612 345 678", "+34912345678", "+34612345678"],
  ["0044 7911 123456", "+4930123456", "+447911123456"],
  ["011 44 7911 123456", "+15005550009", "+447911123456"],
  ["(11) 91234-5678", "+551132345678", "+5511912345678"],
  ["098765 43210", "+911123456789", "+919876543210"],
  ["8 912 345-67-89", "+74951234567", "+79123456789"],
  ["\u202a415 555 0123\u202c", "+15005550009", "+14155550123"],
  ["４１５５５５０１２３", "+15005550009", "+14155550123"],
  ["262966", "+15005550009", "262966"],
  ["+4915123456789", "+15005550009", "+4915123456789"],
])("the national number %s is of the country of our own number %s", (given, own, number) => {
  expect(normalizePhoneNumber(given, own)).toBe(number);
});

test.each([
  "4155550123",
  "(415) 555-0123",
  "212 555 0123",
  "079 123 45 67",
  "0151 23456789",
  "555-0123",
  "(650) 253-0000",
])("the national number %s is of no country that somebody could guess", (given) =>
  expect(normalizePhoneNumber(given)).toBeUndefined(),
);

test.each([
  ["(415) 555-0123", "+442071838750"],
  ["4155550123", "+33123456789"],
  ["555-0123", "+15005550009"],
  ["0612345678", "+15005550009"],
  ["0000000000", "+15005550009"],
])("the number %s is nobody's whom a mapping of %s could write to", (given, own) =>
  expect(normalizePhoneNumber(given, own)).toBeUndefined(),
);

test.each([
  "+1 415 555 0123 ext. 5",
  "415 555 0123 x5",
  "+14155550123;ext=12",
  "+1 415 555 0123 #7",
  "tel:+1-415-555-0123,,9",
])("%s, which has an extension, is refused with that reason", (given) => {
  expect(normalizePhoneNumber(given, "+15005550009")).toBeUndefined();
  expect(readReceiver(given, "+15005550009")).toMatchObject({ problem: expect.stringContaining("extension") });
});

test.each([
  [undefined, "no phone"],
  ["  ", "no phone"],
  ["n/a", "sender's name"],
  ["ACME", "sender's name"],
  ["(415) 555-0123", "country"],
])("nothing can be sent to %s, and the agent is told why", (given, why) => {
  expect(readReceiver(given)).toMatchObject({ problem: expect.stringContaining(why) });
});

test.each([
  ["+1 415 555 0123", "+14155550123"],
  ["262966", "262966"],
])("%s can be sent to", (given, number) => expect(readReceiver(given)).toEqual({ number }));

test("what was read for one number is not taken for another that reads the same beside it", () => {
  expect(normalizePhoneNumber("Shop +15005550006", "ACME")).toBe("Shop +15005550006");
  expect(normalizePhoneNumber("+15005550006", "ACME Shop")).toBe("+15005550006");
});

test.each([
  ["+553188887777", "+5531988887777", ["+5531988887777", "+553188887777"]],
  ["+5531988887777", "+5531988887777", ["+5531988887777", "+553188887777"]],
  ["+5215512345678", "+525512345678", ["+525512345678", "+5215512345678"]],
  ["+525512345678", "+525512345678", ["+525512345678", "+5215512345678"]],
  // A landline, a mobile that never had eight digits, and other countries.
  ["+553132345678", "+553132345678", ["+553132345678"]],
  ["+5531912345678", "+5531912345678", ["+5531912345678"]],
  ["+5491123456789", "+5491123456789", ["+5491123456789"]],
  ["+15215551234", "+15215551234", ["+15215551234"]],
  ["12345", "12345", ["12345"]],
])("%s is %s today", (given, today, forms) => {
  expect([numberOfToday(given), formsOfNumber(given)]).toEqual([today, forms]);
});
