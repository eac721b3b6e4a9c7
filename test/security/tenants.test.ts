import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../src/http/admin/webhooks.ts";
import { chooseSender } from "../../src/inbox/contacts/choose-sender.ts";
import { ensureContactConversation, ensureConversation, registerHighlevelIds } from "../../src/store/conversations.ts";
import { putLocation } from "../../src/store/locations.ts";
import { findProviderLocation } from "../../src/store/mappings.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import { findByEmailId, findThread, listSentEmails } from "../../src/store/messages/threads.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import type { Conversation } from "../../src/store/schema.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

const shared = { contactId: "contact-1", conversationId: "conversation-1" };
const rfcMessageId = "secret-thread@mail.example.org";
const emailMessageId = "email-of-the-victim";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 4);
});
afterAll(async () => {
  await database.close();
});

async function addMapping(locationId: string): Promise<string> {
  await putLocation(database.db, { id: locationId, sealedToken: "sealed" });
  const mapping = await insertMapping(database.db, {
    ...{ locationId, provider: "mailgun", address: `support@${locationId}.example`, conversationProviderId: "p" },
    ...{ type: "Custom", unknownSender: "create", postAutomatic: false },
  });
  return mapping.id;
}

/** A person of a location who is registered as the contact whom both locations name, and that person's one email. */
async function addPerson(locationId: string): Promise<{ person: Conversation; mappingId: string }> {
  const mappingId = await addMapping(locationId);
  const { id } = await ensureConversation(database.db, { mappingId, locationId, address: "ann@example.org" });
  return { person: await registerHighlevelIds(database.db, id, shared), mappingId };
}

async function addEmail(conversation: Conversation, origin: "provider" | "api"): Promise<void> {
  await insertMessages(database.db, [
    {
      ...{ mappingId: conversation.mappingId, conversationId: conversation.id, origin, direction: "outbound" },
      ...{ state: "sent", providerMessageId: `${origin}-1`, rfcMessageId, receivedAt: new Date() },
      ...{ highlevelMessageId: "thread-of-the-victim", highlevelEmailMessageId: emailMessageId },
    },
  ]);
}

describe("a location that registers another one's contact and conversation as its own", () => {
  let victim: Conversation;
  let attacker: Conversation;
  let attackersMapping = "";
  beforeAll(async () => {
    ({ person: victim } = await addPerson("victim"));
    await addEmail(victim, "provider");
    await addEmail(await ensureContactConversation(database.db, "victim", shared.contactId), "api");
    ({ person: attacker, mappingId: attackersMapping } = await addPerson("attacker"));
  });

  test("does not come into that location's threads by the Message-ID of one of its emails", async () => {
    expect(await findThread(database.db, victim, [rfcMessageId])).toBe(emailMessageId);
    expect(await findThread(database.db, attacker, [rfcMessageId])).toBeUndefined();
  });

  test("does not answer that location's emails by HighLevel's id of one", async () => {
    expect(await findByEmailId(database.db, victim, emailMessageId)).toMatchObject({ rfcMessageId });
    expect(await findByEmailId(database.db, attacker, emailMessageId)).toBeUndefined();
  });

  test("does not see what that location had HighLevel send", async () => {
    const relayed = { before: new Date(Date.now() + 60_000), isRelayed: true, limit: 50 };
    expect(await listSentEmails(database.db, victim, relayed)).toHaveLength(1);
    expect(await listSentEmails(database.db, attacker, relayed)).toEqual([]);
  });

  test("sends nothing by that location's mappings", async () => {
    const about = { contactId: shared.contactId, providers: ["mailgun"] };
    const chosen = await chooseSender(database.db, { ...about, locationId: "attacker" });
    expect(chosen?.id).toBe(attackersMapping);
  });

  test("does not take the other's sends away by naming its conversation provider", async () => {
    expect(await findProviderLocation(database.db, "p", { locationIds: ["victim"] })).toBe("victim");
    expect(await findProviderLocation(database.db, "p")).toBeUndefined();
  });

  test("learns neither the account of that location's mapping nor whether it is there", async () => {
    const key = { who: "key 1", access: "read", isToMapping: true, ids: {} } as const;
    const asked = { mappingId: victim.mappingId ?? "" };
    const [account] = await selectRows<{ id: string }>(
      database.db,
      sql`
      with copy as (insert into accounts (provider, location_ids) values ('mailgun', '{}') returning id)
      update mappings set account_id = copy.id from copy where mappings.id = ${asked.mappingId} returning account_id as id`,
    );
    expect(await accountOf(database.db, { ...key, locationIds: ["attacker"] }, asked)).toBe(asked.mappingId);
    expect(await accountOf(database.db, { ...key, locationIds: ["victim"] }, asked)).toBe(account?.id);
  });
});
