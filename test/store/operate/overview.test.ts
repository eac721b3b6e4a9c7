import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { recordAttempts } from "../../../src/store/attempts.ts";
import { enqueueDeliveries } from "../../../src/store/deliveries.ts";
import { countFailedMessages, listMessages } from "../../../src/store/messages/list-messages.ts";
import { groupDead, groupFailed } from "../../../src/store/operate/group-problems.ts";
import { countWaiting, readLoads } from "../../../src/store/operate/overview.ts";
import { type Database, selectRows } from "../../../src/store/postgres/database.ts";
import { maxWalked } from "../../../src/store/postgres/walk-newest.ts";
import { countRead } from "../../support/count-read.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
const quiet = { locationIds: ["quiet"] };

/** A quiet location has one of each; of a busy one beside it there is more of each than a list looks at, and newer. */
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  const { db } = database;
  await db.execute(sql`insert into locations (id, sealed_token) values ('quiet', 'sealed'), ('busy', 'sealed')`);
  for (const [locationId, address] of [
    ["quiet", "+15001"],
    ["busy", "+15002"],
  ] as const) {
    const how = { provider: "twilio", conversationProviderId: "p", type: "Custom" as const };
    await insertMapping(db, { locationId, address, ...how, unknownSender: "create", postAutomatic: false });
  }
  await db.execute(sql`
    insert into conversations (id, location_id, mapping_id, address) overriding system value
    select case location_id when 'quiet' then 1 else 2 end, location_id, id, 'ann' from mappings`);
  await addEach("quiet", 3);
  await addEach("busy", maxWalked + 3);
  await db.execute(sql`vacuum analyze`);
}, 120_000);
afterAll(() => database.close());

/** Of each message one delivery was dead from the start, and another one waits. */
async function addEach(locationId: string, count: number): Promise<void> {
  const { db } = database;
  const conversationId = locationId === "quiet" ? 1 : 2;
  await db.execute(sql`
    insert into messages (mapping_id, conversation_id, direction, state, received_at)
    select mapping_id, id, 'outbound', 'failed', now() from conversations, generate_series(1, ${count})
    where id = ${conversationId}`);
  await db.execute(sql`
    insert into webhooks (mapping_id, url, headers, body, state, reason)
    select account_id, 'u', '{}', '', 'failed', 'From: is missing' from mappings, generate_series(1, ${count})
    where location_id = ${locationId}`);
  const ids = await selectRows<{ id: number }>(
    db,
    sql`select id from messages where conversation_id = ${conversationId} order by id`,
  );
  const owed = { kind: "post-inbound" as const, conversationId, locationId };
  const dead = { reason: "unknown_sender" as const, detail: "nobody knows them" };
  await enqueueDeliveries(
    db,
    ids.flatMap(({ id: messageId }) => [
      { ...owed, messageId, dead },
      { ...owed, kind: "report-status" as const, messageId },
    ]),
  );
}

test("what a location's key is told does not depend on how much there is of others", async () => {
  const { db } = database;
  const { rows: dead, walkedTo } = await groupDead(db, quiet);
  expect(dead).toMatchObject([{ reason: "unknown_sender", count: 3, detail: "nobody knows them" }]);
  expect(walkedTo).toBeUndefined();
  const failed = await groupFailed(db, { ...quiet, isToMapping: true });
  expect(failed).toMatchObject({ rows: [{ words: "From", count: 3 }], walkedTo: undefined });
  expect(await countFailedMessages(db, quiet)).toBe(3);
  expect(await countWaiting(db, quiet)).toMatchObject({ count: 3 });
  expect((await listMessages(db, { ...quiet, state: "failed", limit: 10 })).rows).toHaveLength(3);
});

test("what waits is counted of each location alike, however much there is of one", async () => {
  const { db } = database;
  const asked = ["quiet", "busy", "nobody", "no other"];
  const loads = await readLoads(db, asked);
  expect(asked.map((id) => loads.get(id)?.waiting)).toEqual([
    { count: 3, isAll: true },
    { count: maxWalked / asked.length, isAll: false },
    { count: 0, isAll: true },
    { count: 0, isAll: true },
  ]);
  const { read } = await countRead(db, async () => [await readLoads(db, asked)]);
  // With what the statement reads once of each of the locations.
  expect(read).toBeLessThan(maxWalked + 1000);
});

test("the problems of one mapping are those of it alone, whatever its deliveries are about", async () => {
  const { db } = database;
  const [mapping] = await selectRows<{ id: string }>(db, sql`select id from mappings where location_id = 'quiet'`);
  const mappingId = mapping?.id;
  expect((await groupDead(db, { mappingId, ...quiet })).rows).toMatchObject([{ mappingId, count: 3 }]);
  expect((await groupDead(db, { mappingId, ...quiet, locationIds: ["busy"] })).rows).toEqual([]);
});

test("the operator is told of the newest of all", async () => {
  const { db } = database;
  const { rows, walkedTo } = await groupDead(db, {});
  expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(maxWalked);
  expect(walkedTo).toBeDefined();
  expect(await countFailedMessages(db, { locationIds: undefined })).toBe(maxWalked);
  expect(await countWaiting(db, { locationIds: undefined })).toMatchObject({ count: maxWalked });
});

test("what dies by an attempt, and what had died before its location was kept, is among a location's", async () => {
  const { db } = database;
  const leaseToken = crypto.randomUUID();
  await db.execute(sql`update lanes set lease_token = ${leaseToken}::uuid where location_id = 'quiet'`);
  const [delivery] = await selectRows<{ id: number }>(
    db,
    sql`select min(id)::int as id from deliveries where conversation_id = 1 and state = 'pending'`,
  );
  const lane = { conversationId: 1, kind: "report-status" as const, leaseToken, counter: 3 };
  const attempt = { outcome: "rejected" as const, durationMs: 1, status: 400, detail: "no", startedAt: new Date() };
  const next = { state: "dead" as const, isOutcomeUnknown: false };
  const record = { lane, deliveryId: delivery?.id ?? 0, messageId: undefined, ...attempt, next };
  await recordAttempts(db, [{ ...record, lease: { giveBack: "due" } }]);
  await db.execute(sql`update deliveries set died_in = null, died_on = null where id = (
    select max(id) from deliveries where conversation_id = 1 and kind = 'post-inbound')`);
  expect((await groupDead(db, quiet)).rows).toMatchObject([
    { reason: "unknown_sender", count: 3 },
    { reason: "rejected", count: 1 },
  ]);
  const kept = sql`select count(*)::int as count from deliveries where died_in = 'quiet' and died_on is not null`;
  expect(await selectRows(db, kept)).toEqual([{ count: 3 }]);
});

test("what began to wait since statistics were gathered is counted lane by lane", async () => {
  const { db, close } = await openMigrated(inject, 1);
  try {
    await db.execute(sql`insert into locations (id, sealed_token) values ('sudden', 'sealed')`);
    const how = { provider: "twilio", conversationProviderId: "p", type: "Custom" as const };
    const mapping = { locationId: "sudden", address: "+15003", unknownSender: "create", postAutomatic: false } as const;
    await insertMapping(db, { ...mapping, ...how });
    await db.execute(sql`vacuum analyze`);
    await db.execute(sql`
      insert into conversations (location_id, mapping_id, address)
      select location_id, id, 'person ' || number from mappings, generate_series(1, 1000) number`);
    await db.execute(sql`
      insert into messages (mapping_id, conversation_id, direction, state, received_at)
      select mapping_id, id, 'inbound', 'received', now() from conversations`);
    const ids = await selectRows<{ messageId: number; conversationId: number }>(
      db,
      sql`select id as "messageId", conversation_id as "conversationId" from messages`,
    );
    const owed = ids.map((each) => ({ kind: "post-inbound" as const, locationId: "sudden", ...each }));
    await enqueueDeliveries(db, owed);
    const { read } = await countRead(db, async () => [await readLoads(db, ["sudden"])]);
    expect((await readLoads(db, ["sudden"])).get("sudden")?.waiting).toEqual({ count: 1000, isAll: true });
    expect(read).toBeLessThan(20_000);
  } finally {
    await close();
  }
});
