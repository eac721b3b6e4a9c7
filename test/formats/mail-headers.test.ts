import { describe, expect, test } from "vitest";
import { parseMailDate, parseMessageIds, readMailHeaders } from "../../src/formats/mail-headers.ts";
import { addressesOf, normalizeMailbox, parseMailboxes, parseSender } from "../../src/formats/mailbox.ts";
import { normalizePhoneNumber } from "../../src/formats/phone-number.ts";

describe("Message-ID lists", () => {
  test.each([
    ["<a@x>", ["a@x"]],
    ["<a@x>\r\n\t<b@x> <a@x>", ["a@x", "b@x"]],
    ["Your message of Monday <a@x> (was: hello)", ["a@x"]],
    ["a@x", ["a@x"]],
    ["a@x, b@x", ["a@x", "b@x"]],
    ["<Case.Kept@X.Example>", ["Case.Kept@X.Example"]],
    ["<no-at-sign>", ["no-at-sign"]],
    ["<folded.\r\n\tinside@x>", ["folded.inside@x"]],
    ["<a@x><b@x>,<c@x>;", ["a@x", "b@x", "c@x"]],
    ['"a@x"; (b@x)', ["a@x", "b@x"]],
    ["<cut.off@x", ["cut.off@x"]],
    ["<a\0b@x>", ["ab@x"]],
    ["=?us-ascii?Q?<a=40x>?=\r\n =?us-ascii?Q?_<b@x>?=", ["a@x", "b@x"]],
    ["&lt;a@x&gt; &lt;b@x&gt;", ["a@x", "b@x"]],
    ["%3Ca%40x%3E", ["a@x"]],
    ["=3Ca=40x=3E", ["a@x"]],
    ["<a%3Cb%3E@x>", ["a%3Cb%3E@x"]],
    [`<${"x".repeat(1000)}@y> <a@x>`, ["a@x"]],
    [`${"ä".repeat(600)}@y`, []],
    ["", []],
    [undefined, []],
  ])("%j", (header, ids) => expect(parseMessageIds(header)).toEqual(ids));

  test("of a hostile length are read in no time", () => {
    for (const piece of ["<", ">", "<a", "a ", "\"'", "@ "]) {
      expect(parseMessageIds(piece.repeat(500_000)).length).toBeLessThan(2);
    }
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
    [{ "AUTO-SUBMITTED": "auto-generated; owner=x" }, "auto_generated"],
    [{ "Auto-Submitted": "No" }, undefined],
    [{ "Auto-Submitted": "no (a person wrote this)" }, undefined],
    [{ "Auto-Submitted": "" }, undefined],
    [{ Precedence: "bulk" }, undefined],
    [{ Precedence: "List" }, undefined],
    [{ Precedence: "auto_reply" }, "auto_reply"],
    [{ Precedence: "first-class" }, undefined],
    [{ "X-Autoreply": "yes" }, "auto_reply"],
    [{ "X-Autorespond": "Out of office" }, "auto_reply"],
    [{ "X-Autoreply": "no" }, undefined],
    [{ "X-Auto-Response-Suppress": "All" }, undefined],
    [{ "X-Auto-Response-Suppress": "DR, OOF, AutoReply" }, undefined],
    [{ "Return-Path": "<>" }, "bounce"],
    [{ "Return-Path": "<ann@example.org>" }, undefined],
    [{ "Content-Type": 'multipart/report; report-type="delivery-status"; boundary=x' }, "bounce"],
    [{ "Content-Type": "multipart/report;\r\n boundary=x;\r\n report-type = delivery-status" }, "bounce"],
    [{ "Content-Type": "multipart/report; report-type=disposition-notification", "Return-Path": "<>" }, "auto_reply"],
    [{ From: "postmaster@mx.example.org" }, "bounce"],
    [{ From: "Ann <ann@postmaster.example.org>", "List-Unsubscribe": "<mailto:x@y.example>" }, undefined],
    [{ From: "Mail Delivery <MAILER-DAEMON@mx.example.org>" }, "bounce"],
    [{ From: "Ann <ann@example.org>", Subject: "Out of the box" }, undefined],
    [{ Subject: "Out of office hours: when do you open?" }, undefined],
    [{ Subject: "Absence: form for school" }, undefined],
    [{ Subject: "Abwesend: Ihre Anfrage" }, "auto_reply"],
    [{ Subject: "=?utf-8?Q?R=C3=A9ponse_automatique_=3A_Devis?=" }, "auto_reply"],
    [{ Subject: "Frånvaro: Möte" }, "auto_reply"],
    [{ Subject: "自動返信: 予約" }, "auto_reply"],
    [{ Subject: "自动回复：预约" }, "auto_reply"],
    [{ Subject: "부재 중: 예약" }, "auto_reply"],
    [{ Subject: "Αυτόματη απάντηση: Κράτηση" }, "auto_reply"],
    [{ Subject: "רה: מענה אוטומטי: הזמנה" }, undefined],
    [{ Subject: "מענה אוטומטי: הזמנה" }, "auto_reply"],
    [{ Subject: "رد تلقائي: حجز" }, "auto_reply"],
  ])("%j is %s", (headers, kind) => expect(kindOf(headers as Record<string, string>)).toBe(kind));

  test("a vacation reply without a return path is an auto-reply, not a bounce", () => {
    expect(kindOf({ "Auto-Submitted": "auto-replied" }, "")).toBe("auto_reply");
    expect(kindOf({}, "")).toBe("bounce");
  });
});

describe("a Date", () => {
  test.each([
    "Sat, 21 Nov 2026 10:59:50 +0100",
    "Sat, 21 Nov 2026\r\n 10:59:50 +0100 (CET)",
    "21 nov 26 09:59:50 GMT",
    "Saturday, 21 November 2026 4:59:50 EST",
    "Sat,21 Nov 2026 09:59:50 -0000",
    "Sat, 21 Nov 2026 10:59:50 +01:00",
  ])("is read: %s", (value) => {
    expect(parseMailDate(value)?.toISOString()).toBe("2026-11-21T09:59:50.000Z");
  });

  test.each([
    "yesterday",
    "",
    "5",
    "1 Xyz 2026 00:00 GMT",
    "Sat, 21 Nov 2026 25:99:99 +0000",
    "Sat, 21 Nov 2026 10:59:50",
    "Sat, 21 Nov 2026 10:59:50 CET",
    "Sat, 21 Nov 2026 10:59:50 +2530",
  ])("without a certain meaning is no time: %j", (value) => expect(parseMailDate(value)).toBeUndefined());
});

test.each([
  ['Team: ann@x.example, "B" <b@x.example>;, C <c@x.example>', ["ann@x.example", "b@x.example", "c@x.example"]],
  ["a@x.example; b@x.example", ["a@x.example", "b@x.example"]],
  ['"eve@x.example" <ann@x.example>', ["ann@x.example"]],
  ["ann@x.example (Ann, of X)", ["ann@x.example"]],
  ["undisclosed-recipients:;", []],
  ["<>", []],
  [`${"x".repeat(300)}@x.example`, []],
  ["Ann\r\n <ann@x.example>, <ANN@x.example>", ["ann@x.example"]],
])("the mailboxes of %j are %j", (header, addresses) => expect(addressesOf(header)).toEqual(addresses));

test.each([
  ["Ann [mailto:ann@x.example]", "ann@x.example"],
  ["Ann <ann @x. example>", "ann@x.example"],
  ["Ann <@relay.example:ann@x.example>", "ann@x.example"],
  ['"Ann" <ann@x.example', "ann@x.example"],
  ["<boss@y.example>, <ann@x.example", "ann@x.example"],
  ["ann@[192.0.2.1]", "ann@[192.0.2.1]"],
  ["Ann <<ann@x.example>>", "ann@x.example"],
  ["Ann <ann@x.example>>", "ann@x.example"],
  ["<'ann@x.example'>", "ann@x.example"],
  ['"ann@x.example"', "ann@x.example"],
  ["=?utf-8?q?Ann_=3Cann=40x=2Eexample=3E?=", "ann@x.example"],
  ["=?utf-8?B?YW5uQHguZXhhbXBsZQ==?=", "ann@x.example"],
  ["boss@y.example ann@x.example", "ann@x.example"],
  ["boss@y.example> <ann@x.example>", "ann@x.example"],
  ["=?utf-8?q?boss=40y.example=3E?= <ann@x.example>", "ann@x.example"],
  ['"<boss@y.example>" ann@x.example', undefined],
  ["<ann@x.example> boss@y.example", undefined],
  ["Ann <ann lee@x.example>", undefined],
  ["Ann <ann@x.example]>", undefined],
  [`${" .".repeat(10_000)}@x.example`, undefined],
])("the sender %j is %j", (header, address) => expect(parseSender(header)?.address).toBe(address));

test("a name that a database cannot hold is cleaned", () => {
  const names = parseMailboxes("\ud800\0A <a@x.example>, =?utf-8?Q?B=00?= <b@x.example>").map(({ name }) => name);
  expect(names).toEqual(["\ufffdA", "B"]);
});

test("mailboxes are in lower case, their names decoded", () => {
  expect(parseMailboxes('=?UTF-8?B?SsO2cmc=?= <J@X.example>, "Doe, Jane" <jane@x.example>, nobody')).toEqual([
    { address: "j@x.example", spelling: "J@X.example", name: "Jörg" },
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
