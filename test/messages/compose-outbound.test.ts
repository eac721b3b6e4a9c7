import { expect, test } from "vitest";
import { composeOutbound } from "../../src/messages/compose-outbound.ts";

const content = { to: [], cc: [], bcc: [], inReplyTo: [], references: [], attachments: [] };
const compose = (subject: string) =>
  composeOutbound({
    mapping: { id: "m", accountId: "m", channel: "email", address: "support@example.com", replyTokens: false },
    publicUrl: "https://bridge.example.com",
    address: "person@example.org",
    message: { id: 1, rfcMessageId: "a@b" },
    content: { ...content, text: "x", subject },
    attachments: [],
    unfetched: [],
  });

test.each(["Hello\r\nBcc: victim@example.org", "Hello\nBcc: victim@example.org", "Hello\u2028Bcc: victim@example.org"])(
  "a subject is one line in what a provider is asked to send: %j",
  (subject) => {
    expect(compose(subject).subject).toBe("Hello Bcc: victim@example.org");
  },
);
