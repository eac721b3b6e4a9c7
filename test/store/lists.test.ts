import { desc, type SQL, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { listConversations } from "../../src/store/conversations.ts";
import { readActivity, readSigns } from "../../src/store/messages/activity.ts";
import { findP95Ms, listMessages } from "../../src/store/messages/list-messages.ts";
import { groupDead, groupFailed } from "../../src/store/operate/group-problems.ts";
import { listDeliveries } from "../../src/store/operate/list-deliveries.ts";
import { listWebhooks } from "../../src/store/operate/list-webhooks.ts";
import { replayDeliveries } from "../../src/store/operate/mend/replay-deliveries.ts";
import { type Database, type Db, selectRows } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { listNewest, maxWalked, type Page } from "../../src/store/postgres/walk-newest.ts";
import { messages } from "../../src/store/schema.ts";
import { countRead } from "../support/count-read.ts";
import { copyMigrated } from "../support/database.ts";

let database: Database;
let owner: Awaited<ReturnType<typeof copyMigrated>>;
let mappingId: string;

/**
 * 300 locations with a mapping each, of which all but the last have 100 webhooks, and 100 messages with a delivery each.
 * Every third location writes through HighLevel, too. Of each location the oldest message failed and its delivery is dead.
 */
beforeAll(async () => {
  owner = await copyMigrated(inject);
  database = await openDatabase({ url: owner.url, poolSize: 1, startSeconds: 10 });
  const { db } = database;
  await db.execute(sql`insert into locations (id) select 'location-' || n from generate_series(0, 300) n`);
  await db.execute(sql`
    insert into mappings (location_id, provider, address, conversation_provider_id, type, unknown_sender, post_automatic)
    select 'location-' || n, 'twilio', '+1500' || n, 'p', 'Custom', 'create', false from generate_series(0, 300) n`);
  await db.execute(sql`
    insert into webhooks (mapping_id, url, headers, body, state)
    select mappings.id, 'u', '{}', '', case when round = 1 then 'failed' else 'processed' end
    from generate_series(1, 100) round join mappings on mappings.address <> '+1500300'`);
  await db.execute(sql`
    insert into conversations (mapping_id, location_id, address)
    select id, location_id, person from mappings, unnest(array['ann', 'bob']) person where mappings.address <> '+1500300'
    union all
    select null, 'location-' || n, 'contact-' || n from generate_series(0, 299, 3) n`);
  await db.execute(sql`
    insert into messages (mapping_id, conversation_id, direction, state, received_at)
    select mapping_id, id, 'inbound', case when round = 1 then 'failed' else 'received' end, now()
    from generate_series(1, 50) round, conversations order by round`);
  await db.execute(sql`
    insert into deliveries (kind, conversation_id, number, message_id, state)
    select 'post-inbound', conversation_id, 1, id, case when state = 'failed' then 'dead' else 'delivered' end
    from messages order by id`);
  await db.execute(sql`
    update conversations set highlevel_contact_id = 'c-' || id where address = 'ann' and location_id <> 'location-7'`);
  await db.execute(sql`
    update messages set provider_message_id = 'p-' || id, highlevel_message_id = 'h-' || id, webhook_id = id,
      highlevel_email_message_id = 'e-' || id, rfc_message_id = 'R-' || id, requested_id = 'q-' || id`);
  await db.execute(sql`
    update conversations set highlevel_conversation_id = 'v-' || id where address = 'ann' and location_id <> 'location-7'`);
  await db.execute(sql`vacuum analyze`);
  const [seventh] = await selectRows<{ id: string }>(db, sql`select id from mappings where location_id = 'location-7'`);
  mappingId = seventh?.id ?? "";
}, 120_000);
afterAll(async () => {
  await database.close();
  await owner.drop();
});

const count = (list: () => Promise<Page<unknown>>) => countRead(database.db, list);
const limit = 51;
const [one, withContacts, nothing, nobody] = ["location-7", "location-9", "location-300", "nobody"].map((id) => ({
  locationIds: [id],
  isToMapping: true,
}));
/** A few entries for each row that is shown. */
const fewTimes = (found: number) => 8 * found + 20;

test.for([
  ["webhooks of all locations", () => listWebhooks(database.db, { limit }), limit],
  ["webhooks of one location", () => listWebhooks(database.db, { ...one, limit }), limit],
  ["webhooks of one mapping", () => listWebhooks(database.db, { ...one, accountId: mappingId, limit }), limit],
  ["webhooks of a location that has none", () => listWebhooks(database.db, { ...nothing, limit }), 0],
  ["webhooks of nobody", () => listWebhooks(database.db, { ...nobody, limit }), 0],
  ["messages of all locations", () => listMessages(database.db, { limit }), limit],
  ["messages of one location", () => listMessages(database.db, { ...one, limit }), limit],
  ["messages of one mapping", () => listMessages(database.db, { ...one, mappingId, limit }), limit],
  ["messages of a person", () => listMessages(database.db, { ...one, addresses: ["ann"], limit }), 50],
  ["messages of somebody unknown", () => listMessages(database.db, { ...one, addresses: ["zoe"], limit }), 0],
  ["messages of a location that has none", () => listMessages(database.db, { ...nothing, limit }), 0],
  ["messages of nobody", () => listMessages(database.db, { ...nobody, limit }), 0],
  ["deliveries of all locations", () => listDeliveries(database.db, { limit }), limit],
  ["messages by a provider's id", () => listMessages(database.db, { providerMessageId: "p-700", ...one, limit }), 0],
  ["messages by their Message-ID", () => listMessages(database.db, { rfcMessageId: "<r-700>", limit }), 1],
  ["deliveries of a person", () => listDeliveries(database.db, { ...one, addresses: ["ann"], limit }), 50],
  ["deliveries that are dead", () => listDeliveries(database.db, { state: "dead", limit }), limit],
  ["deliveries that are pending", () => listDeliveries(database.db, { state: "pending", limit }), 0],
] as const)("a list of %s reads no more than a few times what it shows", async ([, list, found]) => {
  const counted = await count(list);
  expect(counted.found).toBe(found);
  expect(counted.read).toBeLessThanOrEqual(fewTimes(found));
});

test("the newest of many parts together are found by a few entries of each, however many each has", async () => {
  const { db } = database;
  const all = await selectRows<{ id: string }>(db, sql`select id from mappings`);
  const parts = { column: messages.mappingId, values: all.map(({ id }) => id), type: "uuid" as const, areFew: true };
  const walk = { table: messages, parts, rows: 100 };
  const newest = await selectRows<{ id: number }>(
    db,
    sql`select id::float8 as id from messages where mapping_id is not null order by id desc limit 100`,
  );
  const list = () =>
    listNewest(db, [walk], { limit: Number.POSITIVE_INFINITY }, (tx, isWalked) =>
      tx.select({ id: messages.id }).from(messages).where(isWalked).orderBy(desc(messages.id)),
    );
  const counted = await count(list);
  expect(await list()).toEqual({ rows: newest, walkedTo: newest.at(-1)?.id });
  expect(counted.read, "of 30,000").toBeLessThan(5_000);
});

test("the signs of a page of mappings read no more than some messages of each", async () => {
  const ids = await selectRows<{ id: string }>(database.db, sql`select id from mappings limit 50`);
  const list = async () => ({
    rows: await readSigns(
      database.db,
      ids.map(({ id }) => id),
      20,
    ),
    walkedTo: undefined,
  });
  const counted = await count(list);
  expect(counted.found).toBe(50);
  expect(counted.read).toBeLessThanOrEqual(3 * 50 * 20);
});

test("the list of who is known at a mapping reads no more than a few times what it shows", async () => {
  const list = async () => ({ rows: await listConversations(database.db, { mappingId, limit }), walkedTo: undefined });
  const none = await count(list);
  expect(none.found).toBe(0);
  expect(none.read).toBeLessThanOrEqual(fewTimes(0));
});

const measured = async (reach: { locationIds: string[] | undefined }) => ({
  rows: [await findP95Ms(database.db, reach)],
  walkedTo: undefined,
});

test.for([
  ["problems of deliveries, by mapping", () => groupDead(database.db, {}), 201],
  ["problems of webhooks, by account", () => groupFailed(database.db, { ...one, locationIds: undefined }), 201],
  ["messages of one location that are read", () => listMessages(database.db, { ...one, state: "read", limit }), 0],
  ["messages that are read", () => listMessages(database.db, { state: "read", limit }), 0],
  ["messages of long ago", () => listMessages(database.db, { until: new Date(0), limit }), 0],
  ["messages with a pending delivery", () => listMessages(database.db, { deliveryState: "pending", limit }), 0],
  ["messages for a reason", () => listMessages(database.db, { reason: "rejected", limit }), 0],
  ["messages with files", () => listMessages(database.db, { hasFiles: true, limit }), 0],
  ["messages that machines wrote", () => listMessages(database.db, { automatic: true, limit }), 0],
  ["messages that are in trouble", () => listMessages(database.db, { problems: true, limit }), 0],
  ["messages of one location in trouble", () => listMessages(database.db, { ...one, problems: true, limit }), 2],
  ["messages by a provider", () => listMessages(database.db, { providers: ["telnyx"], limit }), 0],
  ["messages of all, measured", () => measured({ locationIds: undefined }), 1],
  ["messages of one location, measured", () => measured(one ?? { locationIds: [] }), 1],
  ["messages that failed", () => listMessages(database.db, { state: "failed", limit }), limit],
  ["messages of one location that failed", () => listMessages(database.db, { ...one, state: "failed", limit }), 2],
  [
    "messages of a location that uses the send route",
    () => listMessages(database.db, { ...withContacts, limit }),
    limit,
  ],
  ["deliveries of one location", () => listDeliveries(database.db, { ...nothing, limit }), 0],
  [
    "deliveries of one mapping that are dead",
    () => listDeliveries(database.db, { mappingId, state: "dead", limit }),
    2,
  ],
  ["deliveries for a reason", () => listDeliveries(database.db, { reason: "rejected", limit }), 0],
  ["messages by HighLevel's id", () => listMessages(database.db, { highlevelMessageId: "h-700", limit }), 1],
  ["messages by an id that HighLevel sent", () => listMessages(database.db, { highlevelMessageId: "q-700", limit }), 1],
  [
    "messages by HighLevel's id of an email",
    () => listMessages(database.db, { highlevelEmailMessageId: "e-9", limit }),
    1,
  ],
  ["messages by any provider's id", () => listMessages(database.db, { providerMessageId: "p-700", limit }), 1],
  ["messages of a contact", () => listMessages(database.db, { contactId: "c-21", limit }), 50],
  ["messages of a conversation", () => listMessages(database.db, { conversationId: "v-21", limit }), 50],
  ["messages of a contact of a relay", () => listMessages(database.db, { contactId: "contact-9", limit }), 50],
  ["messages of no one person", () => listMessages(database.db, { contactId: "c-21", addresses: ["bob"], limit }), 0],
  ["deliveries by HighLevel's id", () => listDeliveries(database.db, { highlevelMessageId: "h-700", limit }), 1],
  ["deliveries of one kind", () => listDeliveries(database.db, { kind: "report-status", limit }), 0],
  ["webhooks by a provider's id", () => listWebhooks(database.db, { providerMessageId: "p-700", limit }), 1],
  ["webhooks of one location by its name", () => listWebhooks(database.db, { locationId: "location-7", limit }), limit],
  ["webhooks for a reason", () => listWebhooks(database.db, { reason: "no mapping", limit }), 0],
  ["webhooks that are ignored", () => listWebhooks(database.db, { state: "ignored", limit }), 0],
  ["webhooks of one location that failed", () => listWebhooks(database.db, { ...one, state: "failed", limit }), 1],
] as const)("a list of %s looks at some thousands of rows at most", async ([, list, found]) => {
  const counted = await count(list);
  expect(counted.found).toBe(found);
  expect(counted.read).toBeLessThanOrEqual(5 * maxWalked);
});

test.for([
  ["messages", (before?: number) => listMessages(database.db, { ...withContacts, before, limit: 30 })],
  [
    "messages that failed",
    (before?: number) => listMessages(database.db, { ...one, state: "failed", before, limit: 1 }),
  ],
  ["deliveries", (before?: number) => listDeliveries(database.db, { ...withContacts, before, limit: 30 })],
] as const)("the pages of a list of %s, short ones too, hold all of a location once", async ([what, list]) => {
  const ids: number[] = [];
  let before: number | undefined;
  do {
    const { rows, walkedTo } = await list(before);
    for (const row of rows) ids.push("message" in row ? row.message.id : row.delivery.id);
    before = rows.length > 0 && walkedTo === undefined ? ids.at(-1) : walkedTo;
  } while (before !== undefined);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
  expect(ids).toHaveLength(what === "messages that failed" ? 2 : 150);
});

test("a page of what is pending is not emptied by what is delivered while it is read", async () => {
  const other = await openDatabase({ url: owner.url, poolSize: 1, startSeconds: 10 });
  await other.db.execute(sql`update deliveries set state = 'pending' where id in (select id from deliveries limit 6)`);
  const newest = sql`(select max(id) from deliveries where state = 'pending')`;
  const deliverNewest = () => other.db.execute(sql`update deliveries set state = 'delivered' where id = ${newest}`);
  const page = await listDeliveries(interrupt(database.db, deliverNewest), { state: "pending", limit: 1 });
  expect(page.rows).toHaveLength(1);
  const left = await listDeliveries(database.db, { state: "pending", limit: 10 });
  expect(left.rows, "it was delivered in between").toHaveLength(5);
  await other.close();
});

test("a replay by filter looks at some thousands of dead deliveries at most, and says where to go on", async () => {
  const trial = database.db.transaction(async (tx) => {
    await tx.execute(sql`update deliveries set state = 'dead', reason = 'rejected' where state <> 'dead'`);
    await tx.execute(sql`update deliveries set reason = 'unconfirmed' where id = (select max(id) from deliveries)`);
    const ends: number[] = [];
    let after: number | undefined;
    let replayed = 0;
    do {
      const step = await replayDeliveries(tx, { reason: "unconfirmed", after, limit: 10 });
      after = step.walkedTo;
      replayed += step.replayed;
      if (after !== undefined) ends.push(after);
    } while (after !== undefined);
    expect(replayed).toBe(1);
    expect(ends.length, "of 35,000").toBe(3);
    const first = await replayDeliveries(tx, { mappingId, limit: 10 });
    expect(first.replayed, "as many as were asked for, and more to come").toBe(10);
    expect(first.walkedTo).toBeDefined();
    tx.rollback();
  });
  await expect(trial).rejects.toThrow("Rollback");
});

test("a replay for one conversation finds its dead deliveries by themselves", async () => {
  const [conversation] = await selectRows<{ id: number }>(
    database.db,
    sql`select id from conversations where mapping_id = ${mappingId} and address = 'ann'`,
  );
  const replay = () =>
    database.db.transaction((tx) => replayDeliveries(tx, { conversationId: conversation?.id ?? 0, limit: 100_000 }));
  const counted = await count(async () => ({ rows: Array((await replay()).replayed).fill(0), walkedTo: undefined }));
  expect(counted.found).toBe(1);
  expect(counted.read).toBeLessThanOrEqual(60);
});

/** The same database, where something else happens after each statement that is written by hand. */
function interrupt(db: Db, act: () => Promise<unknown>): Db {
  const interrupted: Db = Object.create(db);
  Object.assign(interrupted, {
    execute: async (statement: SQL) => {
      const result = await db.execute(statement);
      await act();
      return result;
    },
    transaction: (run: (tx: Db) => Promise<unknown>, config: never) =>
      db.transaction((tx) => run(interrupt(tx, act)), config),
  });
  return interrupted;
}

test("what happened lately on a mapping is read by its newest rows alone", async () => {
  const limits = { webhooks: 20, messages: 30 };
  const { found, read } = await count(async () => {
    const activity = await readActivity(database.db, { id: mappingId, accountId: mappingId }, limits);
    expect(activity.deliveries).toEqual([]);
    return { rows: [...activity.webhooks, ...activity.messages], walkedTo: undefined };
  });
  expect(found).toBe(50);
  expect(read).toBeLessThanOrEqual(fewTimes(50));
  const all = await readActivity(
    database.db,
    { id: mappingId, accountId: mappingId },
    { webhooks: 200, messages: 200 },
  );
  expect(all.deliveries).toContainEqual(expect.objectContaining({ kind: "post-inbound", state: "dead", count: 1 }));
  expect(all.webhooks).toHaveLength(100);
  expect(all.webhooks.at(-1)).toMatchObject({ source: "provider", state: "failed", receivedAt: expect.any(Date) });
});
