import { describe, expect, test } from "vitest";
import { composeMail } from "../../src/formats/mail.ts";
import { parseSender } from "../../src/formats/mailbox.ts";

/** What is made of an email with these headers, sent to support@acme.example. */
function read(headers: Record<string, string>) {
  const list = Object.entries({ From: "Ann Lee <ann@client.example>", ...headers });
  return composeMail({
    from: parseSender(headers["From"] ?? "ann@client.example"),
    ...{ to: ["support@acme.example"], cc: [], bcc: [], subject: headers["Subject"], text: "x", html: undefined },
    attachments: [],
    headers: list.map(([name, value]) => ({ name, value })),
  });
}
const generated = { "Auto-Submitted": "auto-generated" };

describe("a person's words are not a machine's for the way that they took", () => {
  test.each<[string, Record<string, string>]>([
    ["a rule of Exchange's", { "Return-Path": "<>", "X-MS-Exchange-Inbox-Rules-Loop": "support@acme.example" }],
    [
      "the agent of such a rule",
      {
        "X-MS-Exchange-Generated-Message-Source": "Mailbox Rules Agent",
        "X-MS-Exchange-Inbox-Rules-Loop": "support@acme.example",
      },
    ],
    ["a Sieve script", { "Return-Path": "<>", "X-Sieve-Redirected-From": "support@acme.example" }],
    ["a forwarding service", { "Return-Path": "<>", "X-ForwardEmail-Sender": "rfc822; ann@client.example" }],
    ["a helpdesk that only its mailer names", { ...generated, "X-Mailer": "Zammad Mail Service" }],
    ["a helpdesk that only its Message-ID names", { ...generated, "Message-ID": "<1@acme.freshdesk.com>" }],
    ["Request Tracker", { ...generated, "X-RT-Loop-Prevention": "acme" }],
    ["a forum", { ...generated, Precedence: "list", "X-Discourse-Post-Id": "7" }],
    ["a car in its subject", { Subject: "Auto: Frage zum Golf" }],
  ])("%s", (_what, headers) => {
    expect(read(headers)).toMatchObject({ automatic: undefined, from: "ann@client.example" });
  });

  test.each<[string, Record<string, string>, string]>([
    ["Notes", { Subject: "AUTO: Ann Lee is out of the office (returning 12/01/2026)" }, "auto_reply"],
    ["Notes in German", { Subject: "AUTO: Ann Lee ist außer Haus (Rückkehr am 01.12.2026)" }, "auto_reply"],
    [
      "Exchange, whose rule is the absent one's own",
      {
        "X-MS-Exchange-Generated-Message-Source": "Mailbox Rules Agent",
        "X-MS-Exchange-Inbox-Rules-Loop": "ann@client.example",
      },
      "auto_reply",
    ],
    ["a gateway that only its envelope tells", { "Return-Path": "<MAILER-DAEMON@mx.client.example>" }, "bounce"],
    ["a shop", { ...generated, From: "noreply@shop.example", "Reply-To": "help@mail.shop.example" }, "auto_generated"],
  ])("but what a machine wrote is one's: %s", (_what, headers, kind) => {
    expect(read(headers).automatic).toBe(kind);
  });
});

test.each([
  ["<>", "Undelivered Mail Returned to Sender"],
  ["MAILER-DAEMON", "x"],
  ["Mail Delivery System <>", "x"],
  ["MAILER-DAEMON (Mail Delivery System)", "x"],
  [" ", "Unzustellbar: Ihre Anfrage"],
  ["undisclosed", "Delivery Status Notification (Failure)"],
])("a bounce of %j without an address wakes nobody", (from, subject) => {
  expect(read({ From: from, Subject: subject })).toMatchObject({
    automatic: "bounce",
    from: "mailer-daemon@sender.invalid",
  });
});

test("who names no sender is no bounce for that alone", () => {
  expect(() => read({ From: "undisclosed", Subject: "My order" })).toThrow(/^from: holds no mailbox/);
});

const carla = "Carla <carla@customer.example>";

describe("whoever wrote by a form or a group is answered, and not the relay", () => {
  test.each([
    ...["form-submission@squarespace.info", "formresponses@netlify.com", "submissions@formspree.io", "bot@x.example"],
    ...["noreply123@x.example", "keine-antwort@x.example", "nie-odpowiadaj@x.example", "ikke-svar@x.example"],
    ...["kontakt-formular@x.example", "formulaire@x.example", "formulario@x.example", "web-form@x.example"],
  ])("%s", (from) => expect(read({ From: from, "Reply-To": carla }).from).toBe("carla@customer.example"));

  test.each([
    ["that wants answers to us as well", { "Reply-To": `support@acme.example, ${carla}` }, "carla@customer.example"],
    ["that wants answers to us alone", { "Reply-To": "support@acme.example" }, "noreply@forms.example"],
    ["that marks what it writes as a machine's", { ...generated, "Reply-To": carla }, "carla@customer.example"],
  ])("a form %s", (_what, headers, person) => {
    expect(read({ From: "Form <noreply@forms.example>", ...headers })).toMatchObject({
      from: person,
      automatic: undefined,
    });
  });

  test("nobody is taken for the whole group", () => {
    const group = { "List-Id": "<friends.groups.example>", "Mailing-List": "list friends@groups.example; contact x" };
    const from = "carla=customer.example@groups.example";
    const email = { From: `Carla via friends <${from}>`, "Reply-To": "friends@groups.example", ...group };
    expect(read(email).from).toBe(from);
  });

  test.each(["anna.form@x.example", "robotham@x.example", "leader@x.example", "formanek@x.example", "webb@x.example"])(
    "an ordinary sender is no relay: %s",
    (from) => expect(read({ From: from, "Reply-To": carla }).from).toBe(from),
  );
});
