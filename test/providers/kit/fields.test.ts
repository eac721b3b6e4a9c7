import { describe, expect, test } from "vitest";
import { z } from "zod";
import { rfcMessageId } from "../../../src/providers/kit/email/mail-fields.ts";
import * as fields from "../../../src/providers/kit/fields.ts";
import { parseReference, referenceOf } from "../../../src/providers/kit/reference.ts";

test.each([
  [fields.phone, "+1 (500) 555-0006", "+15005550006"],
  [fields.textPartySeenBy(undefined), "WhatsApp:+15005550006", { number: "+15005550006", service: "whatsapp" }],
  [
    fields.mailbox,
    "b@x.example, <c@x.example> <Ann@Example.org>",
    { address: "ann@example.org", spelling: "Ann@Example.org", name: "b@x.example, <c@x.example>" },
  ],
  [fields.addresses, "Ann <Ann@Example.org>, ann@example.org, nobody", ["ann@example.org"]],
  [fields.addresses, undefined, []],
  [rfcMessageId, " <a@x.example> ", "a@x.example"],
  [fields.time, "2026-01-31T09:30:00Z", new Date("2026-01-31T09:30:00Z")],
  [fields.time, "yesterday", undefined],
  [fields.code, 21610, "21610"],
  [fields.maybeNumber, null, undefined],
  [fields.listOf(z.number()), null, []],
  [fields.jsonText(z.array(z.number())), "[1]", [1]],
  [fields.jsonText(z.array(z.number())), "", undefined],
])("a field is normalised as it is read (%#)", (type, given, read) => {
  expect(z.object({ field: type }).parse({ field: given })).toEqual({ field: read });
});

test.each([
  [fields.phone, "anonymous", "is not a phone number"],
  [fields.phone, "", "is empty"],
  [fields.phone, "whatsapp:+15005550006", "is of whatsapp, by which the bridge cannot answer"],
  [fields.phone, "rcs:+15005550006", "is of rcs, by which the bridge cannot answer"],
  [fields.mailbox, "nobody", "holds no mailbox"],
  [fields.mailbox, undefined, "holds no mailbox"],
  [fields.messageId, "x".repeat(999), "longer than 998"],
  [fields.reference, "m-1", "is not one that the bridge gave"],
  [fields.reference, 42, "expected string"],
  [fields.jsonText(z.unknown()), "{", "is not JSON"],
])("a field that does not fit is named with its path (%#)", (type, given, message) => {
  const { error } = z.object({ data: z.object({ field: type }) }).safeParse({ data: { field: given } });
  expect(error?.issues).toMatchObject([{ path: ["data", "field"], message: expect.stringContaining(message) }]);
});

describe("a reference", () => {
  test("is a number that JavaScript holds exactly, and nothing else", () => {
    expect(parseReference("999999999999999")).toBe(999_999_999_999_999);
    for (const wrong of [undefined, "", "m-1", "-1", "1.5", "1e3", " 1", "1234567890123456", "١"])
      expect(parseReference(wrong), wrong).toBeUndefined();
  });

  test("is found in a callback URL, whatever stands in it", () => {
    expect(referenceOf("https://x.example/w?message=42&message=43")).toBe("42");
    for (const wrong of ["", "?", "https://x.example/w#message=42", "?%ff&=&[", "?message=", "?message=x"])
      expect(referenceOf(wrong), wrong).toBeUndefined();
  });
});

describe("what stands at a path", () => {
  const type = fields.at("data.errors.0", { code: fields.code, title: fields.maybeText });

  test("is read without what is around it, and of a list the first item", () => {
    expect(type.parse({ data: { errors: [{ code: 7 }, "other"], more: 1 } })).toEqual({ code: "7" });
    expect(fields.at("data.type", fields.maybeText).parse({ data: {} })).toBe(undefined);
  });

  test.each([
    [{}, ["data"]],
    [{ data: { errors: [] } }, ["data", "errors", 0]],
    [{ data: { errors: [{ code: "" }] } }, ["data", "errors", 0, "code"]],
  ])("is named with the whole path where it does not fit: %j", (given, path) => {
    expect(type.safeParse(given).error?.issues).toMatchObject([{ path }]);
  });
});

test.each([
  [1795255197, "2026-11-21T09:59:57.000Z"],
  ["1795255197", "2026-11-21T09:59:57.000Z"],
  [1795255197123, "2026-11-21T09:59:57.123Z"],
])("a time in Unix seconds or milliseconds is read: %s", (given, time) =>
  expect(fields.unixTime.parse(given)?.toISOString()).toBe(time),
);

test.each([undefined, null, "", "0", 0, -1, Number.NaN, 1e300, "now", "1795255197.5x", {}])(
  "what is no such time is left out: %j",
  (given) => expect(fields.unixTime.parse(given)).toBeUndefined(),
);

test("an object without its time or how long it was is read", () => {
  const read = fields.at("data", { when: fields.unixTime, long: fields.seconds });
  expect(read.parse({ data: {} })).toEqual({ when: undefined, long: undefined });
});

test.each([
  ["15005550006", "+15005550006"],
  ["+15005550006", "+15005550006"],
  ["4512345678", "+4512345678"],
  ["5511987654321", "+5511987654321"],
])("a number that leaves the plus away is whole: %s", (given, number) =>
  expect(fields.phoneWithoutPlus(undefined).parse(given)).toBe(number),
);
