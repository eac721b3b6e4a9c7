import { describe, expect, test } from "vitest";
import { readDeliveryStatus } from "../../src/formats/email/delivery-status.ts";
import type { Receipt } from "../../src/model.ts";
import { mailReports } from "../../src/providers/kit/email/mail-reports.ts";

const lines = (...all: string[]) => Buffer.from(all.join("\r\n"));
const original = ["Message-ID: <2f6f-1@ours.test>", "From: box@ours.test", "To: ann@vale.test", "Subject: Your order"];

/** As Postfix, Exim and Exchange write them, but for the words for people. */
function report({
  type = "multipart/report; report-type=delivery-status; boundary=b",
  fields = ["Reporting-MTA: dns; mx.ours.test"],
  recipients = [["Final-Recipient: rfc822; ann@vale.test", "Action: failed", "Status: 5.1.1"]],
  returned = ["Content-Type: message/rfc822", "", ...original, "", "hello"],
  encoding = "7bit",
}: {
  type?: string;
  fields?: string[];
  recipients?: string[][];
  returned?: string[];
  encoding?: string;
} = {}): Buffer {
  const status = [...fields, ...recipients.flatMap((each) => ["", ...each]), ""].join("\r\n");
  const written = encoding === "base64" ? Buffer.from(status).toString("base64") : status;
  return lines(
    ...["From: MAILER-DAEMON@mx.ours.test", "To: box@ours.test", "Subject: Undelivered", `Content-Type: ${type}`],
    ...["", "--b", "Content-Type: text/plain", "", "I could not deliver it.", ""],
    ...["--b", "Content-Type: message/delivery-status", `Content-Transfer-Encoding: ${encoding}`, "", written],
    ...["--b", ...returned, "--b--", ""],
  );
}

const failed = {
  ...{ kind: "receipt", providerMessageId: "2f6f-1@ours.test", status: "failed", recipient: "ann@vale.test" },
  error: { code: "5.1.1", message: "the provider says failed" },
  consent: { change: "stop", cause: "bounce" },
};

describe("a report of delivery says what became of the email", () => {
  test.each([
    ["with the whole email", {}],
    ["with its headers alone", { returned: ["Content-Type: text/rfc822-headers", "", ...original, ""] }],
    ["in base64", { encoding: "base64" }],
    ["where the type is without its report-type", { type: "multipart/report; boundary=b" }],
  ])("%s", (_, given) => {
    expect(mailReports(report(given))).toEqual([failed]);
  });

  test.each([
    ["5.1.1", "bounce"],
    ["5.1.10", "bounce"],
    ["5.2.2", undefined],
    ["5.7.1", undefined],
  ])("with %s, after which the person is written to no more by: %s", (code, cause) => {
    const recipients = [["Final-Recipient: rfc822; ann@vale.test", "Action: failed", `Status: ${code}`]];
    const [told] = mailReports(report({ recipients })) ?? [];
    expect(told).toMatchObject({ status: "failed", error: { code } });
    expect((told as Receipt).consent?.cause).toBe(cause);
  });

  test("to each recipient in the server's words, by the address that was written to", () => {
    const recipients = [
      [
        "Original-Recipient: rfc822;Ann@vale.test",
        "Final-Recipient: rfc822; ann.miller@hidden.test",
        "Action: FAILED (bad mailbox)",
        "Status: 5.2.2 (full)",
        "Diagnostic-Code: smtp; 552 5.2.2 The mailbox is",
        "    full",
      ],
      ["Final-Recipient: rfc822; bob@vale.test", "Action: delayed", "Status: 4.4.1"],
      ["Final-Recipient: rfc822; <cem@vale.test>", "Action: delivered", "Status: 2.0.0"],
      ["Final-Recipient: x400; none", "Action: failed"],
    ];
    expect(mailReports(report({ recipients }))).toMatchObject([
      {
        ...{ status: "failed", recipient: "ann@vale.test" },
        error: { code: "5.2.2", message: expect.stringMatching(/^552 5\.2\.2 The mailbox is\s+full$/) },
      },
      { kind: "ignored", reason: expect.stringContaining("delayed") },
      { status: "delivered", recipient: "cem@vale.test" },
    ]);
  });
});

test("any other mail is none, and what does not name the email is nobody's receipt", () => {
  const others = [
    lines("From: ann@vale.test", "To: box@ours.test", "", "Action: failed"),
    lines("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "", "--b", "", "read"),
    report({ recipients: [] }),
    report({ type: "multipart/mixed; boundary=b" }),
    Buffer.from(""),
  ];
  for (const mail of others) expect(readDeliveryStatus(mail)).toBeUndefined();
  const nameless = report({ returned: ["Content-Type: text/rfc822-headers", "", "Subject: x", ""] });
  expect(readDeliveryStatus(nameless)).toMatchObject({ recipients: [{ action: "failed" }] });
  expect(mailReports(nameless)).toBeUndefined();
});

describe("a bounce that is words for people", () => {
  const returned = ["Return-Path: <box@ours.test>", ...original, "", "hello"];
  const qmail = [
    ...["Return-Path: <>", "From: MAILER-DAEMON@mx.ours.test", "To: box@ours.test", "Subject: failure notice", ""],
    ...["Hi. This is the qmail-send program at mx.ours.test.", "I wasn't able to deliver your message.", ""],
    ...["<ann@vale.test>:", "Remote host said: 550 5.1.1 no such user", "Giving up on 192.0.2.4.", ""],
    ...["<bob@vale.test>:", "The mailbox is full. (#5.2.2)", "", "--- Below this line is a copy of the message.", ""],
  ];
  const exim = [
    ...[
      "From: Mail Delivery System <Mailer-Daemon@mx.ours.test>",
      "X-Failed-Recipients: ann@vale.test,",
      "  bob@vale.test",
    ],
    ...[
      "Subject: Mail delivery failed: returning message to sender",
      "",
      "This message was created automatically.",
      "",
    ],
    ...[
      "  ann@vale.test",
      "    SMTP error from remote mail server after RCPT TO:<ann@vale.test>:",
      "    550 5.1.1 no such user",
    ],
    ...[
      "",
      "  bob@vale.test",
      "    mailbox is full",
      "",
      "------ This is a copy of the message, including all the headers. ------",
      "",
    ],
  ];

  test("of qmail says whom it could not reach, and why", () => {
    expect(mailReports(lines(...qmail, ...returned))).toMatchObject([
      {
        ...{ kind: "receipt", providerMessageId: "2f6f-1@ours.test", status: "failed", recipient: "ann@vale.test" },
        error: { code: "5.1.1", message: "Remote host said: 550 5.1.1 no such user Giving up on 192.0.2.4." },
        consent: { change: "stop", cause: "bounce" },
      },
      { recipient: "bob@vale.test", error: { code: "5.2.2", message: "The mailbox is full. (#5.2.2)" } },
    ]);
  });

  test("of Exim says it as well", () => {
    const told = mailReports(lines(...exim, ...returned)) ?? [];
    expect(told).toMatchObject([
      { providerMessageId: "2f6f-1@ours.test", recipient: "ann@vale.test", error: { code: "5.1.1" } },
      { recipient: "bob@vale.test", error: { code: "failed", message: "mailbox is full" } },
    ]);
    expect(told[1]).not.toHaveProperty("consent");
  });

  test.each(["a".repeat(400_000), "(".repeat(400_000), "\\".repeat(400_000)])(
    "names nobody by an address that none can be, however long it is",
    (local) => {
      const failed = `X-Failed-Recipients: ${local}@vale.test, bob@vale.test`;
      const [from = "", , , ...rest] = exim;
      expect(mailReports(lines(from, failed, ...rest, ...returned))).toMatchObject([{ recipient: "bob@vale.test" }]);
      expect(mailReports(lines(from, failed.replace(", bob@vale.test", ""), ...rest, ...returned))).toBeUndefined();
    },
  );

  test("is a mail where no email of ours came back, or a person wrote it", () => {
    expect(mailReports(lines(...qmail, "Subject: Your order", "", "hello"))).toBe(undefined);
    expect(mailReports(lines(...qmail.slice(0, 5), "Hi. This is Ann.", "", ...returned))).toBe(undefined);
    expect(mailReports(lines("From: ann@vale.test", "", ...qmail.slice(10), ...returned))).toBe(undefined);
  });
});

test("a report that gives nothing of the email back is about the one that it answers, as Gmail's are", () => {
  const [head = "", ...rest] = report({ returned: ["Content-Type: message/rfc822", "", "Subject: Your order", ""] })
    .toString()
    .split("Subject: Undelivered");
  const answering = Buffer.from([`${head}In-Reply-To: <2f6f-1@ours.test>\r\nSubject: Undelivered`, ...rest].join(""));
  expect(mailReports(answering)).toEqual([failed]);
});
