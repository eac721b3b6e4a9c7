import { expect, test } from "vitest";
import { mailReports } from "../../src/providers/kit/email/mail-reports.ts";

const lines = (...all: string[]) => Buffer.from(all.join("\r\n"));

/** As https://www.rfc-editor.org/rfc/rfc5965#appendix-B has it. */
function report({
  type = "multipart/report; report-type=feedback-report; boundary=b",
  fields = ["Feedback-Type: abuse", "Original-Rcpt-To: <ann@vale.test>"],
  returned = ["Content-Type: message/rfc822", "", "Message-ID: <2f6f-1@ours.test>", "To: ann@vale.test", "", "hello"],
}: {
  type?: string;
  fields?: string[];
  returned?: string[];
} = {}): Buffer {
  return lines(
    ...["From: feedback@vale.test", "To: box@ours.test", "Subject: FW: Your order", `Content-Type: ${type}`, ""],
    ...["--b", "Content-Type: text/plain", "", "This is an abuse report.", ""],
    ...["--b", "Content-Type: message/feedback-report", "", ...fields, "Version: 1", ""],
    ...["--b", ...returned, "--b--", ""],
  );
}

const complained = {
  ...{ kind: "receipt", providerMessageId: "2f6f-1@ours.test", status: "complained", recipient: "ann@vale.test" },
  error: { code: "abuse", message: "the person marked it as spam" },
  consent: { change: "stop", cause: "complaint" },
};

test.each([
  ["with the email", {}],
  [
    "with its headers alone",
    { returned: ["Content-Type: text/rfc822-headers", "", "Message-ID: <2f6f-1@ours.test>", ""] },
  ],
  ["without its report-type", { type: "multipart/report; boundary=b" }],
  ["of upper case", { fields: ["FEEDBACK-TYPE: Abuse", "ORIGINAL-RCPT-TO: Ann@Vale.test"] }],
])("a feedback report is the complaint of whom the email was delivered to: %s", (_, given) => {
  expect(mailReports(report(given))).toEqual([complained]);
});

test("a feedback report that leaves out who complained is about the person whose email it is", () => {
  expect(mailReports(report({ fields: ["Feedback-Type: abuse"] }))).toEqual([{ ...complained, recipient: undefined }]);
});

test("a feedback report of several is a complaint of each", () => {
  const fields = ["Feedback-Type: fraud", "Original-Rcpt-To: <ann@vale.test>", "Original-Rcpt-To: <bob@vale.test>"];
  expect(mailReports(report({ fields }))).toMatchObject([
    { status: "complained", recipient: "ann@vale.test" },
    { status: "complained", recipient: "bob@vale.test" },
  ]);
});

test("a feedback report of an opt-out is an unsubscription", () => {
  expect(mailReports(report({ fields: ["Feedback-Type: opt-out"] }))).toMatchObject([
    { status: "delivered", consent: { change: "stop", cause: "unsubscribe" } },
  ]);
});

test.each(["virus", "not-spam", "auth-failure", "other"])("a feedback report of %s is nobody's complaint", (type) => {
  expect(mailReports(report({ fields: [`Feedback-Type: ${type}`] }))).toMatchObject([{ kind: "ignored" }]);
});

test("a feedback report that names no email of ours is a mail", () => {
  expect(mailReports(report({ returned: ["Content-Type: message/rfc822", "", "To: ann@vale.test", ""] }))).toBe(
    undefined,
  );
  expect(mailReports(report({ fields: ["Version: 0.1"] }))).toBe(undefined);
});
