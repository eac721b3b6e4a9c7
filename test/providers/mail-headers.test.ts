import { describe, expect, test } from "vitest";
import { parseMessageIds, readMailHeaders } from "../../src/providers/mail-headers.ts";
import { normalizeMailbox, parseMailboxes } from "../../src/providers/mailbox.ts";
import { normalizePhoneNumber } from "../../src/providers/phone-number.ts";

describe("Message-ID lists", () => {
  test.each([
    ["<a@x>", ["a@x"]],
    ["<a@x>\r\n\t<b@x> <a@x>", ["a@x", "b@x"]],
    ["Your message of Monday <a@x> (was: hello)", ["a@x"]],
    ["a@x", ["a@x"]],
    ["a@x, b@x", ["a@x", "b@x"]],
    ["<Case.Kept@X.Example>", ["Case.Kept@X.Example"]],
    ["<no-at-sign>", ["no-at-sign"]],
    ["", []],
    [undefined, []],
  ])("%j", (header, ids) => expect(parseMessageIds(header)).toEqual(ids));

  test("of a hostile length are read in no time", () => {
    expect(parseMessageIds("<".repeat(200_000))).toEqual([]);
  });
});

describe("automatic mail", () => {
  const kindOf = (headers: Record<string, string>, returnPath?: string) =>
    readMailHeaders(
      Object.entries(headers).map(([name, value]) => ({ name, value })),
      returnPath,
    ).automatic;

  test.each([
    [{ "Auto-Submitted": "auto-replied" }, "auto_reply"],
    [{ "AUTO-SUBMITTED": "auto-generated; owner=x" }, "auto_reply"],
    [{ "Auto-Submitted": "No" }, undefined],
    [{ Precedence: "bulk" }, "auto_reply"],
    [{ Precedence: "auto_reply" }, "auto_reply"],
    [{ Precedence: "first-class" }, undefined],
    [{ "X-Autoreply": "yes" }, "auto_reply"],
    [{ "Return-Path": "<>" }, "bounce"],
    [{ "Return-Path": "<ann@example.org>" }, undefined],
    [{ "Content-Type": 'multipart/report; report-type="delivery-status"; boundary=x' }, "bounce"],
    [{ "Content-Type": "multipart/report; report-type=disposition-notification" }, undefined],
    [{ From: "Mail Delivery <MAILER-DAEMON@mx.example.org>" }, "bounce"],
    [{ From: "Ann <ann@example.org>", Subject: "Out of the box" }, undefined],
  ])("%j is %s", (headers, kind) => expect(kindOf(headers as Record<string, string>)).toBe(kind));

  test("a vacation reply without a return path is an auto-reply, not a bounce", () => {
    expect(kindOf({ "Auto-Submitted": "auto-replied" }, "")).toBe("auto_reply");
    expect(kindOf({}, "")).toBe("bounce");
  });
});

test("a Date that cannot be read is no time", () => {
  expect(readMailHeaders([{ name: "Date", value: "yesterday" }]).sentAt).toBeUndefined();
});

test("mailboxes are in lower case, their names decoded", () => {
  expect(parseMailboxes('=?UTF-8?B?SsO2cmc=?= <J@X.example>, "Doe, Jane" <jane@x.example>, nobody')).toEqual([
    { address: "j@x.example", name: "Jörg" },
    { address: "jane@x.example", name: "Doe, Jane" },
  ]);
  expect(normalizeMailbox("Support@Example.com")).toBe("support@example.com");
  for (const wrong of ["", "support", "a@b, c@d", "@x"]) expect(normalizeMailbox(wrong)).toBeUndefined();
});

test.each([
  ["+1 (500) 555-0006", "+15005550006"],
  ["15005550006", "+15005550006"],
  ["+4915123456789", "+4915123456789"],
  ["whatsapp:+15005550006", "+15005550006"],
  ["262966", "262966"],
  ["ACME", "ACME"],
  ["Anonymous", undefined],
  ["", undefined],
  ["+", undefined],
  ["+12", undefined],
  ["1234567890123456", undefined],
])("the number %j is kept as %j", (given, kept) => expect(normalizePhoneNumber(given)).toBe(kept));
