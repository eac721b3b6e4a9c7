import { expect, test } from "vitest";
import { composeOutbound } from "../../src/messages/compose-outbound.ts";

const content = { to: [], cc: [], bcc: [], inReplyTo: [], references: [], attachments: [] };
const mapping = {
  ...({ id: "m", accountId: "m", channel: "email", address: "support@example.com" } as const),
  ...{ replyTokens: false, listUnsubscribe: true },
};
const compose = (subject: string, more = {}) =>
  composeOutbound({
    mapping,
    publicUrl: "https://bridge.example.com",
    emailSecret: Buffer.alloc(32),
    address: "person@example.org",
    message: { id: 1, receivedAt: new Date(), rfcMessageId: "a@b" },
    content: { ...content, text: "x", subject, ...more },
    attachments: [],
    unfetched: [],
  });

test.each(["Hello\r\nBcc: victim@example.org", "Hello\nBcc: victim@example.org", "Hello\u2028Bcc: victim@example.org"])(
  "a subject is one line in what a provider is asked to send: %j",
  (subject) => {
    expect(compose(subject).subject).toBe("Hello Bcc: victim@example.org");
  },
);

test("an email names a URL by which its person unsubscribes; not one with copies, whose readers would unsubscribe that person", () => {
  const { unsubscribeUrl = "" } = compose("x");
  expect(unsubscribeUrl).toMatch(/^https:\/\/bridge\.example\.com\/unsubscribe\/1\.[\w-]{22}$/);
  expect(compose("x", { cc: ["boss@example.org"] }).unsubscribeUrl).toBeUndefined();
  expect(compose("x", { bcc: ["archive@example.org"] }).unsubscribeUrl).toBeUndefined();
});
