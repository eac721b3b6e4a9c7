import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { replyTokensOf, withoutReplyTokens, withReplyToken } from "../../src/formats/email/tokens/reply-token.ts";
import { findThreadOf } from "../../src/messages/find-thread.ts";
import { ensureConversation } from "../../src/store/conversations.ts";
import { putLocation } from "../../src/store/locations.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import type { Conversation } from "../../src/store/schema.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

let database: Database;
let ann: Conversation;
let bob: Conversation;
let elsewhere: Conversation;
const receivedAt = new Date();
let messageId = 0;
beforeAll(async () => {
  database = await openMigrated(inject, 4);
  ann = await addPerson("one", "ann@example.org");
  bob = await addPerson("one", "bob@example.org", ann.mappingId);
  elsewhere = await addPerson("two", "ann@example.org");
  const [sent] = await insertMessages(database.db, [
    {
      ...{ mappingId: ann.mappingId, conversationId: ann.id, direction: "outbound", state: "sent" },
      ...{ providerMessageId: "sent-1", rfcMessageId: "ours@example.com", receivedAt },
      ...{ highlevelMessageId: "thread-1", highlevelEmailMessageId: "email-1" },
    },
  ]);
  messageId = sent?.id ?? 0;
});
afterAll(() => database.close());

async function addPerson(locationId: string, address: string, known?: string | null): Promise<Conversation> {
  await putLocation(database.db, { id: locationId, sealedToken: "sealed" });
  const made = async () =>
    insertMapping(database.db, {
      ...{ locationId, provider: "mailgun", address: "support@example.com", conversationProviderId: "p" },
      ...{ type: "Custom", unknownSender: "create", postAutomatic: false },
    });
  const mappingId = known ?? (await made()).id;
  return ensureConversation(database.db, { mappingId, locationId, address });
}

/** What a person's email answers that has nothing but the address that it came to. */
function threadOf(conversation: Conversation, address: string, more: { inReplyTo?: string[] } = {}) {
  const content = { to: [], cc: [], bcc: [], references: [], attachments: [], inReplyTo: [], ...more };
  const replyTokens = replyTokensOf([address]);
  return findThreadOf({ db: database.db, emailSecret }, conversation, {
    receivedAt: new Date(),
    content: { ...content, replyTokens },
  });
}

const emailSecret = Buffer.alloc(32, 1);
const addressOf = ({ mailbox = "support@example.com", id = messageId, at = receivedAt, secret = emailSecret } = {}) =>
  withReplyToken(secret, mailbox, { id, receivedAt: at }) ?? "";

test("an answer finds its thread by nothing but the address that it came to, also one that a server made upper case", async () => {
  const address = addressOf();
  expect(await threadOf(ann, address)).toBe("email-1");
  expect(await threadOf(ann, address.toUpperCase())).toBe("email-1");
  expect(await threadOf(ann, address, { inReplyTo: ["nobody-knows@example.org"] })).toBe("email-1");
});

test("a token that is forged, of another email, or from another person or tenant leads nowhere", async () => {
  const address = addressOf();
  const forged = address.replace(/[\da-f](?=@)/, (digit) => (digit === "0" ? "1" : "0"));
  const guessed = addressOf({ secret: Buffer.from(ann.mappingId ?? "") });
  const ofBefore = addressOf({ at: new Date(receivedAt.getTime() - 1) });
  for (const given of [
    forged,
    guessed,
    ofBefore,
    addressOf({ id: messageId + 1 }),
    address.replace(/b\.\w+/, "b.zzzzzzzzzzz"),
  ])
    expect(await threadOf(ann, given)).toBeUndefined();
  expect(await threadOf(bob, address)).toBeUndefined();
  expect(await threadOf(elsewhere, address)).toBeUndefined();
});

test("words that quote the address show it without the token, however it is escaped", () => {
  const address = addressOf();
  const quoted = `> To: ${address} <a href="mailto:${address.replace("+", "%2B")}">${address.replace("+", "&#43;")}</a>`;
  expect(withoutReplyTokens(quoted)).toBe(
    '> To: support@example.com <a href="mailto:support@example.com">support@example.com</a>',
  );
  expect(withoutReplyTokens("a+b.c@example.com")).toBe("a+b.c@example.com");
});

test("a mailbox whose name leaves no room gets no token", () => {
  expect(addressOf({ mailbox: `${"x".repeat(40)}@example.com` })).toBe("");
  expect(addressOf({ mailbox: '"two words"@example.com' })).toBe("");
});
