import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { baseSubject, findParent, isReply, referencesTo } from "../../src/messages/find-parent.ts";
import { registerLocation } from "../../src/registry/register.ts";
import { registerMapping } from "../../src/registry/register-mapping.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import { ensureConversation } from "../../src/store/conversations.ts";
import { findMessage, insertMessages } from "../../src/store/messages/messages.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import type { Conversation, Message, MessageContent, NewMessage } from "../../src/store/schema.ts";
import { signer } from "../fixtures/generic-email/sign.ts";
import { openMigrated } from "../support/database.ts";

const contentOf = (more: Partial<MessageContent> = {}): MessageContent => ({
  fromName: undefined,
  to: [],
  cc: [],
  bcc: [],
  subject: undefined,
  text: "x",
  html: undefined,
  attachments: [],
  inReplyTo: [],
  references: [],
  ...more,
});

describe("a subject is the same with whatever mail programs put before it", () => {
  test.each([
    ["Your quote", "your quote"],
    ["Re: Your quote", "your quote"],
    ["RE: Re: re : Your  quote ", "your quote"],
    ["Re[2]: Your quote", "your quote"],
    ["AW: Your quote", "your quote"],
    ["Antw: Your quote", "your quote"],
    ["SV: Your quote", "your quote"],
    ["VS: Your quote", "your quote"],
    ["RIF: Your quote", "your quote"],
    ["R: Your quote", "your quote"],
    ["RES: Your quote", "your quote"],
    ["Ref: Your quote", "your quote"],
    ["Odp: Your quote", "your quote"],
    ["Fwd: Your quote", "your quote"],
    ["FW: WG: Your quote", "your quote"],
    ["TR: Your quote", "your quote"],
    ["ENC: Your quote", "your quote"],
    ["RV: Your quote", "your quote"],
    ["YNT: VB: Your quote", "your quote"],
    ["回复：Your quote", "your quote"],
    ["Antwort: Your quote", "your quote"],
    ["Rép. : Your quote", "your quote"],
    ["ΑΠ: Your quote", "your quote"],
    ["Отв: Your quote", "your quote"],
    ["İLT: YNT: Your quote", "your quote"],
    ["返信: Your quote", "your quote"],
    ["답장: Your quote", "your quote"],
    ["رد: Your quote", "your quote"],
    ["Re(2): Re^3: Your quote", "your quote"],
    ["[EXTERNAL] RE: Your quote", "your quote"],
    ["Re: [EXT] AW: Your quote", "your quote"],
    ["***SPAM*** Re: Your quote", "your quote"],
    ["Re: [Order 7] Your quote", "[order 7] your quote"],
    [
      "[External affairs 2026 and what else there is to be said of them] x",
      "[external affairs 2026 and what else there is to be said of them] x",
    ],
    ["[Ticket #7] Re: Your quote", "your quote"],
    ["[Ticket #7] Your quote", "[ticket #7] your quote"],
    ["EXT: Re: Your quote", "your quote"],
    ["<External> AW: Your quote", "your quote"],
    ["⚠️ RE: Your quote", "your quote"],
    ["Válasz: Your quote", "your quote"],
    ["Отговор: Your quote", "your quote"],
    ["Rendezvous: at ten", "rendezvous: at ten"],
    ["Reply: please", "reply: please"],
    ["Re:", ""],
    [undefined, ""],
    ["Re: Größe 42", "größe 42"],
  ])("%s", (subject, base) => {
    expect(baseSubject(subject)).toBe(base);
  });
});

test.each([
  ["RE: x", true],
  ["[EXT] Antwort: x", true],
  ["Отв: x", true],
  ["[EXTERNAL] x", false],
  ["Order 7", false],
  ["Rest: at ten", false],
  [null, false],
])("that it answers something says the subject %j: %s", (subject, answers) => expect(isReply(subject)).toBe(answers));

describe("the chain of an answer", () => {
  const parent = (rfcMessageId: string | null, content: Partial<MessageContent> | null) => {
    const { inReplyTo = null, references = null } = content === null ? {} : contentOf(content);
    return { rfcMessageId, inReplyTo, references };
  };

  test("is the parent's and the parent", () => {
    expect(referencesTo(parent("c@x", { references: ["a@x", "b@x"], inReplyTo: ["b@x"] }))).toEqual({
      inReplyTo: ["c@x"],
      references: ["a@x", "b@x", "c@x"],
    });
    expect(referencesTo(parent("b@x", { inReplyTo: ["a@x"] })).references).toEqual(["a@x", "b@x"]);
    expect(referencesTo(parent("c@x", { inReplyTo: ["a@x", "b@x"] })).references).toEqual(["c@x"]);
  });

  test("names nobody twice, and survives a parent whose content is gone or that has no id", () => {
    expect(referencesTo(parent("a@x", { references: ["a@x", "b@x"] })).references).toEqual(["b@x", "a@x"]);
    expect(referencesTo(parent("a@x", null))).toEqual({ inReplyTo: ["a@x"], references: ["a@x"] });
    expect(referencesTo(parent(null, {}))).toEqual({ inReplyTo: [], references: [] });
  });

  test("is cut to twenty: the first, by which a thread is known, and the newest", () => {
    const references = Array.from({ length: 60 }, (_, index) => `${index}@x`);
    const chain = referencesTo(parent("new@x", { references })).references;
    expect(chain).toHaveLength(20);
    expect(chain[0]).toBe("0@x");
    expect(chain.slice(1)).toEqual([...references.slice(-18), "new@x"]);
  });
});

describe("the email that an agent's email answers", () => {
  let database: Database;
  let mappingId = "";
  beforeAll(async () => {
    database = await openMigrated(inject, 2);
    const context = { db: database.db, sealer: createSealer([Buffer.alloc(32, 1)]) };
    await registerLocation(context, { id: "loc", token: "t" });
    const input = {
      locationId: "loc",
      provider: "generic-email",
      address: "a@example.com",
      conversationProviderId: "p",
    };
    mappingId = (await registerMapping(context, { ...input, credentials: signer.credentials })).mapping.id;
  });
  afterAll(async () => {
    await database.close();
  });

  let counter = 0;
  async function converse(...rows: Partial<NewMessage>[]): Promise<{ conversation: Conversation; stored: Message[] }> {
    const address = `person${++counter}@example.org`;
    return database.db.transaction(async (tx) => {
      const conversation = await ensureConversation(tx, { mappingId, locationId: "loc", address });
      const inserted = await insertMessages(
        tx,
        rows.map((row) => ({
          mappingId,
          conversationId: conversation.id,
          direction: "inbound",
          state: "received",
          providerMessageId: `p-${++counter}`,
          rfcMessageId: `${counter}@mail.example.org`,
          content: contentOf({ subject: "Re: Quote" }),
          receivedAt: new Date(),
          ...row,
        })),
      );
      const stored: Message[] = [];
      for (const { id } of inserted) {
        const found = await findMessage(tx, id);
        if (found) stored.push(found.message);
      }
      return { conversation, stored };
    });
  }
  const parentOf = (
    { conversation, stored }: Awaited<ReturnType<typeof converse>>,
    content: Partial<MessageContent>,
    replyToMessageId?: string,
  ) => {
    const message = stored.at(-1);
    if (!message) throw new Error("there is no message");
    const email =
      replyToMessageId === undefined ? undefined : ({ replyToMessageId } as Parameters<typeof findParent>[1]["email"]);
    return findParent(database.db, { message, content: contentOf(content), conversation, email });
  };

  test("is the one that the call names, before the one that HighLevel says, before the newest of the subject", async () => {
    const email = `email-${++counter}`;
    const told = await converse(
      { providerMessageId: `named-${counter}`, content: contentOf({ subject: "Other" }) },
      { highlevelEmailMessageId: email, content: contentOf({ subject: "Another" }) },
      {},
      {},
    );
    const [named, answered, quote] = told.stored;
    const replyToAltId = named?.providerMessageId ?? "";
    expect((await parentOf(told, { replyToAltId, subject: "Quote" }, email))?.id).toBe(named?.id);
    expect((await parentOf(told, { replyToAltId: "unknown", subject: "Quote" }, email))?.id).toBe(answered?.id);
    expect((await parentOf(told, { subject: "quote" }, "unknown"))?.id).toBe(quote?.id);
    expect((await parentOf(told, { subject: "AW: Quote" }))?.id).toBe(quote?.id);
    expect(await parentOf(told, { subject: "Something new" })).toBeUndefined();
  });

  test("is never one of another conversation that merely has the subject", async () => {
    await converse({}, {});
    const alone = await converse({});
    expect(await parentOf(alone, { subject: "Quote" })).toBeUndefined();
  });
});
