import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { listAccounts } from "../../src/store/accounts.ts";
import { addBudgets } from "../../src/store/budgets.ts";
import { ensureConversation } from "../../src/store/conversations.ts";
import { findDelivery } from "../../src/store/deliveries.ts";
import { listLocations, putLocation } from "../../src/store/locations.ts";
import { findProviderLocation, listMappings } from "../../src/store/mappings.ts";
import { listMessages } from "../../src/store/messages/list-messages.ts";
import { findMessage } from "../../src/store/messages/messages.ts";
import { findParts } from "../../src/store/messages/parts.ts";
import { findSentEmails, lockSentMessages } from "../../src/store/messages/sent-messages.ts";
import { findThread } from "../../src/store/messages/threads.ts";
import { listAccountIds } from "../../src/store/operate/erase-person.ts";
import { listDeliveries } from "../../src/store/operate/list-deliveries.ts";
import { listWebhooks } from "../../src/store/operate/list-webhooks.ts";
import { replayDeliveries } from "../../src/store/operate/mend/replay-deliveries.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { findKnownEvents, finishWebhooks } from "../../src/store/received-webhooks.ts";
import type { Conversation } from "../../src/store/schema.ts";
import { listPausedLocations } from "../../src/store/trouble/paused-locations.ts";
import { findWebhook } from "../../src/store/webhooks.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

/** PostgreSQL takes 65,535 parameters in a statement. */
const many = 70_000;
const words = Array.from({ length: many }, (_, index) => `word-${index}@example.com`);
const numbers = Array.from({ length: many }, (_, index) => index);
const mappingId = randomUUID();
const locationId = "location-1";
let database: Database;
let conversation: Conversation;

beforeAll(async () => {
  database = await openMigrated(inject, 2);
  await putLocation(database.db, { id: locationId, sealedToken: "sealed" });
  await insertMapping(database.db, {
    ...{ id: mappingId, locationId, provider: "generic-email", address: "a@example.com" },
    ...{ conversationProviderId: "p", type: "Custom", unknownSender: "create", postAutomatic: false },
  });
  conversation = await ensureConversation(database.db, { mappingId, locationId, address: "b@example.com" });
});
afterAll(async () => {
  await database.close();
});

const nothing = { rows: [], walkedTo: undefined };
const page = { locationIds: words, limit: 10 };
test.for([
  ["findKnownEvents", () => findKnownEvents(database.db, words, numbers), new Set()],
  ["findSentEmails", () => findSentEmails(database.db, words.map(toSent)), new Map()],
  ["lockSentMessages", () => lockSentMessages(database.db, words.map(toReceipt)), []],
  ["findThread", () => findThread(database.db, conversation, words), undefined],
  ["findParts", () => findParts(database.db, words.map(toPart)), []],
  ["finishWebhooks", () => finishWebhooks(database.db, numbers.map(toOutcome)), undefined],
  ["addBudgets", () => addBudgets(database.db, words), undefined],
  ["listMessages", () => listMessages(database.db, page), nothing],
  ["listDeliveries", () => listDeliveries(database.db, page), nothing],
  ["listWebhooks", () => listWebhooks(database.db, page), nothing],
  ["listMappings", () => listMappings(database.db, page), []],
  ["findProviderLocation", () => findProviderLocation(database.db, "elsewhere", page), undefined],
  ["listAccounts", () => listAccounts(database.db, page), []],
  ["listAccountIds", () => listAccountIds(database.db, words), []],
  ["listLocations", () => listLocations(database.db, page), []],
  ["listPausedLocations", () => listPausedLocations(database.db, 10, page), []],
  ["findMessage", () => findMessage(database.db, 1, page), undefined],
  ["findDelivery", () => findDelivery(database.db, 1, page), undefined],
  ["findWebhook", () => findWebhook(database.db, 1, page), undefined],
] as const)("%s takes more values than a statement takes parameters", async ([, run, result]) => {
  expect(await run()).toEqual(result);
});

const toSent = (rfcMessageId: string) => ({ mappingId, rfcMessageId });
const toPart = (ref: string) => ({ mappingId, person: "+15005550006", ref, total: 2 });
const toReceipt = (providerMessageId: string) => ({ accountId: mappingId, providerMessageId, reference: undefined });
const toOutcome = (id: number) => ({ id, state: "processed" as const, reason: undefined });

test("of parts that have come under one name without end the newest thousand are read, in their order", async () => {
  const { db } = database;
  await db.execute(sql`
    insert into message_parts (mapping_id, person, ref, total, number, provider_message_id, webhook_id, state)
    select ${mappingId}, '+15005550006', 'same', 2, 1, 'p-' || n, n, 'broken' from generate_series(1, 3000) n`);
  const found = await findParts(db, [toPart("same"), toPart("same")]);
  expect(found).toHaveLength(1000);
  expect([found[0]?.providerMessageId, found.at(-1)?.providerMessageId]).toEqual(["p-2001", "p-3000"]);
});

test("more deliveries are replayed at once than a statement takes parameters, each lane woken", async () => {
  const { db } = database;
  await db.execute(sql`
    with line as (
      insert into lanes (conversation_id, kind, location_id, counter)
      values (${conversation.id}, 'send-outbound', ${locationId}, ${many}) returning conversation_id
    ), stored as (
      insert into messages (mapping_id, conversation_id, direction, state, provider_message_id, received_at)
      select ${mappingId}, conversation_id, 'outbound', 'failed', 'sent-' || n, now()
      from line, generate_series(1, ${many}::int) n returning id, conversation_id
    )
    insert into deliveries (kind, conversation_id, number, message_id, state, reason)
    select 'send-outbound', conversation_id, row_number() over (order by id), id, 'dead', 'rejected' from stored`);
  const replayed = await db.transaction((tx) =>
    replayDeliveries(tx, { conversationId: conversation.id, limit: 100_000 }),
  );
  expect(replayed.replayed).toBe(many);
  const lanes = sql`select counter, due_at <= now() as "isDue" from lanes`;
  expect(await selectRows(db, lanes)).toEqual([{ counter: many + 1, isDue: true }]);
}, 120_000);
