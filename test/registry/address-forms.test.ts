import { expect, test } from "vitest";
import { addressForms } from "../../src/registry/address-forms.ts";

const own = ["+14155550100", "+493012345678"];

test.each([
  ["+14155550123", "+14155550123"],
  [" 14155550123", "+14155550123"],
  ["(415) 555-0123", "+14155550123"],
  ["415.555.0123", "+14155550123"],
  ["14155550123", "+14155550123"],
  ["030 901820", "+4930901820"],
  ["0049 30 901820", "+4930901820"],
  ["Ann.Lee@Example.org", "ann.lee@example.org"],
  ["Ann Lee <Ann.Lee@Example.org>", "ann.lee@example.org"],
  ["ann news@example.org", "ann+news@example.org"],
  ["ann+news@example.org", "ann+news@example.org"],
  ["ACME", "ACME"],
  ["12345", "12345"],
])("%j is looked for as it is stored", (given, stored) => {
  expect(addressForms(given, own)).toContain(stored);
});

test("a number with its country, and a mailbox with a plus tag, are nobody else's", () => {
  expect(addressForms(" 14155550123", own)).toEqual(["14155550123", "+14155550123"]);
  expect(addressForms("ann news@example.org", own)).not.toContain("news@example.org");
});
