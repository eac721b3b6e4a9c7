import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { DeliveryState, Queue } from "../../../src/model.ts";
import { stepReplay } from "../../../src/outbox/replay/step-replay.ts";
import { insertKey, revokeKey } from "../../../src/store/keys.ts";
import { replayFailed } from "../../../src/store/operate/mend/failed-webhooks.ts";
import { discardDeliveries, replayDeliveries } from "../../../src/store/operate/mend/replay-deliveries.ts";
import {
  countOutcomes,
  endReplay,
  findReplay,
  insertReplay,
  type NewReplay,
} from "../../../src/store/operate/mend/replays.ts";
import { type Database, type Db, selectRows } from "../../../src/store/postgres/database.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
let db: Db;
let woken: Queue[];
const total = 10_000;

beforeAll(async () => {
  database = await openMigrated(inject, 3);
  db = database.db;
  await db.execute(sql`insert into locations (id, sealed_token) values ('here', 'x'), ('there', 'x')`);
});
afterAll(() => database.close());

/** At each of two locations half of the messages that could not be posted. */
beforeEach(async () => {
  woken = [];
  await db.execute(
    sql`truncate replays, lanes, attempts, deliveries, messages, conversations, webhooks restart identity`,
  );
  await db.execute(sql`
    insert into conversations (location_id, address) select location, 'person-' || n
    from generate_series(1, 100) n, unnest(array['here', 'there']) location`);
  await db.execute(sql`
    insert into lanes (conversation_id, kind, location_id, counter)
    select id, 'post-inbound', location_id, 1000 from conversations`);
  await db.execute(sql`
    insert into deliveries (kind, conversation_id, number, state, reason, created_at, finished_at)
    select 'post-inbound', 1 + n % 200, n, 'dead', 'rejected', now() - interval '1 hour', now() - interval '1 hour'
    from generate_series(1, ${total}) n`);
});

const everything = { of: "deliveries", kind: "post-inbound" } as const;
const make = (given: Partial<NewReplay> = {}) =>
  insertReplay(db, { filter: everything, perSecond: 1000, keyId: null, userId: null, counted: total, ...given });
const context = () => ({ db, onWork: (queue: Queue) => void woken.push(queue) });
/** As if a second had passed. */
const step = async (at: Db = db) => {
  await at.execute(sql`update replays set next_at = now()`);
  return stepReplay({ ...context(), db: at });
};
/** What goes out again is delivered at once. */
const deliver = () => db.execute(sql`update deliveries set state = 'delivered' where state = 'pending'`);
const stateOf = async (id: number) => {
  const found = await findReplay(db, id, {});
  return { ...found, outcomes: await countOutcomes(db, id) };
};

test("10,000 go out again, each once, at the rate that was set, and no more than some seconds' worth wait", async () => {
  const { id } = await make();
  for (let turn = 1; turn <= 6; turn++) {
    expect(await step()).toBe(true);
    expect(await stateOf(id)).toMatchObject({ replayed: Math.min(turn, 4) * 1000, state: "running" });
  }
  expect(await stepReplay(context()), "within the same second").toBe(false);
  while ((await stateOf(id)).state === "running") {
    await deliver();
    await step();
  }
  await deliver();
  expect(await stateOf(id)).toMatchObject({ replayed: total, state: "done", outcomes: { delivered: total } });
  expect(new Set(woken)).toEqual(new Set(["deliveries"]));
});

test("what waits as its location is paused keeps the others from nothing", async () => {
  await db.execute(sql`update locations set paused_reason = 'unauthorized' where id = 'here'`);
  const { id } = await make();
  for (let turn = 0; turn < 7; turn++) await step();
  expect(await stateOf(id)).toMatchObject({ replayed: 7000 });
  await db.execute(sql`update locations set paused_reason = null`);
});

test("what somebody holds does not pile up: it goes out at the rate when that is over", async () => {
  await db.execute(sql`update lanes set kind = 'send-outbound'`);
  await db.execute(sql`update deliveries set kind = 'send-outbound'`);
  await db.execute(sql`insert into holds (what, started_by) values ('sends', 'admin')`);
  const { id } = await make({ filter: { ...everything, kind: "send-outbound" } });
  for (let turn = 0; turn < 7; turn++) await step();
  expect(await stateOf(id)).toMatchObject({ replayed: 4000, reason: expect.stringContaining("goes first") });
  await db.execute(sql`delete from holds`);
  await deliver();
  await step();
  expect(await stateOf(id)).toMatchObject({ replayed: 5000, reason: null });
});

test("what a paused mapping holds keeps the others from nothing, and is left for when it is resumed", async () => {
  const how = { provider: "twilio", conversationProviderId: "p", type: "Custom" as const };
  const { id: mappingId } = await insertMapping(db, {
    ...{ locationId: "here", address: "+15001", ...how, unknownSender: "create", postAutomatic: false },
  });
  await db.execute(sql`update conversations set mapping_id = ${mappingId} where location_id = 'here'`);
  await db.execute(sql`update lanes set mapping_id = ${mappingId} where location_id = 'here'`);
  const { id } = await make();
  await step();
  const goneBefore = await countOf("here", "pending");
  await db.execute(sql`update mappings set paused_at = now()`);
  for (let turn = 0; turn < 12; turn++) {
    await step();
    await db.execute(sql`
      update deliveries set state = 'delivered' from conversations
      where conversations.id = conversation_id and mapping_id is null and state = 'pending'`);
  }
  expect(await countOf("there", "delivered")).toBe(total / 2);
  expect(await countOf("here", "pending")).toBe(goneBefore);
  expect(await stateOf(id)).toMatchObject({ state: "done", reason: expect.stringContaining("paused mappings") });
  await db.execute(sql`update mappings set paused_at = null`);
  const again = await make();
  while ((await stateOf(again.id)).state === "running") {
    await step();
    await deliver();
  }
  expect(await stateOf(again.id)).toMatchObject({ replayed: total / 2 - goneBefore, reason: null });
});

test("what stands behind one that waits until tomorrow keeps the others from nothing", async () => {
  const { id } = await make();
  const hold = () =>
    db.execute(sql`
      with heads as (
        update deliveries set retry_at = now() + interval '1 day'
        where id in (select min(d.id) from deliveries d join conversations c on c.id = d.conversation_id
          where d.state = 'pending' and c.location_id = 'here' group by d.conversation_id)
        returning conversation_id
      )
      update lanes set due_at = now() + interval '1 day' from heads where heads.conversation_id = lanes.conversation_id`);
  for (let turn = 0; turn < 12; turn++) {
    await step();
    await hold();
    await db.execute(sql`
      update deliveries set state = 'delivered' from conversations
      where conversations.id = conversation_id and location_id = 'there' and state = 'pending'`);
  }
  expect(await stateOf(id)).toMatchObject({ replayed: total, state: "done" });
});

async function countOf(locationId: string, state: DeliveryState): Promise<number> {
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`select count(*)::int as count from deliveries join conversations on conversations.id = conversation_id
      where location_id = ${locationId} and state = ${state}`,
  );
  return row?.count ?? 0;
}

test("a process that dies amid a step has not done it, and another one goes on where the last step ended", async () => {
  const { id } = await make();
  await step();
  const dying = db.transaction(async (tx) => {
    await step(tx);
    expect(await findReplay(tx, id, {})).toMatchObject({ replayed: 2000 });
    expect(await stepReplay({ ...context(), db: database.people }), "while it is held").toBe(false);
    throw new Error("killed");
  });
  await expect(dying).rejects.toThrow("killed");
  expect(await stateOf(id)).toMatchObject({ replayed: 1000, outcomes: { pending: 1000 } });
  await step();
  expect(await stateOf(id)).toMatchObject({ replayed: 2000, outcomes: { pending: 2000 } });
});

test("of two replays that overlap each delivery is one's, and what dies again neither takes once more", async () => {
  const [one, other] = [await make(), await make({ filter: { ...everything, locationId: "here" } })];
  for (let turn = 0; turn < 30; turn++) {
    await db.execute(sql`update deliveries set state = 'dead', finished_at = now() + interval '1 second'
      where state = 'pending'`);
    await step();
  }
  const [first, second] = [await stateOf(one.id), await stateOf(other.id)];
  expect([first.state, second.state]).toEqual(["done", "done"]);
  expect((first.replayed ?? 0) + (second.replayed ?? 0)).toBe(total);
  expect([first.outcomes, second.outcomes]).toEqual([{ dead: first.replayed }, { dead: second.replayed }]);
});

test("one of a user inside HighLevel is of that location alone, and ends when it is gone", async () => {
  const { id } = await make({ userId: "u1", filter: { ...everything, locationId: "here" } });
  await step();
  expect([await countOf("here", "pending"), await countOf("there", "pending")]).toEqual([1000, 0]);
  const nowhere = await make({ userId: "u1" });
  await db.execute(sql`update locations set deleted_at = now() where id = 'here'`);
  while ((await stateOf(id)).state === "running") await step();
  expect(await stateOf(id)).toMatchObject({ replayed: 1000, state: "stopped" });
  while ((await stateOf(nowhere.id)).state === "running") await step();
  expect(await stateOf(nowhere.id)).toMatchObject({ replayed: 0, state: "stopped" });
  await db.execute(sql`update locations set deleted_at = null`);
});

test("a replay reaches as far as its key does by then, and ends with it", async () => {
  const { id: keyId } = await insertKey(db, {
    ...{ name: "Acme", hash: "1", locationIds: ["here"], access: "write", expiresAt: null },
  });
  const { id } = await make({ keyId });
  await step();
  await db.execute(sql`update keys set location_ids = array['there']`);
  await step();
  const reached = await selectRows(
    db,
    sql`select location_id, count(*)::int as count from deliveries
      join conversations c on c.id = conversation_id where state = 'pending' group by 1 order by 1`,
  );
  expect(reached).toEqual([
    { location_id: "here", count: 1000 },
    { location_id: "there", count: 1000 },
  ]);
  await revokeKey(db, keyId);
  await step();
  expect(await stateOf(id)).toMatchObject({ state: "stopped", reason: expect.stringContaining("key has ended") });
  expect(await step()).toBe(false);
});

test("one that is stopped does nothing more", async () => {
  const { id } = await make();
  await step();
  expect(await endReplay(db, id, { state: "stopped", reason: "by admin" })).toBe(true);
  expect(await endReplay(db, id, { state: "stopped", reason: "by key 7" })).toBe(false);
  expect(await step()).toBe(false);
  expect(await stateOf(id)).toMatchObject({ replayed: 1000, reason: "by admin", outcomes: { pending: 1000 } });
});

test("webhooks that failed are read again, up to those of when it was made", async () => {
  await db.execute(sql`
    insert into webhooks (source, url, headers, body, state, reason, received_at)
    select 'provider', 'u', '{}', '', 'failed', 'no mapping for +1500', now() - case when n < 15 then interval '1 hour' else interval '-1 hour' end
    from generate_series(1, 20) n`);
  const { id } = await make({ filter: { of: "webhooks", source: "provider", reason: "no mapping" }, perSecond: 10 });
  for (let turn = 0; turn < 3; turn++) await step();
  expect(await stateOf(id)).toMatchObject({ state: "done", replayed: 14 });
  expect(new Set(woken)).toEqual(new Set(["accounts", "app"]));
});

/** As after a start: PostgreSQL knows nothing of how many rows there are, and plans for few. */
test.each([50, 1000])("no more than the limit, of %i in tables without statistics", async (rows) => {
  const fresh = await openMigrated(inject, 3);
  try {
    await fresh.db.execute(sql`insert into locations (id, sealed_token) values ('here', 'x')`);
    await fresh.db.execute(sql`insert into conversations (location_id, address) values ('here', 'person')`);
    await fresh.db.execute(sql`
      insert into lanes (conversation_id, kind, location_id, counter)
      select id, 'post-inbound', location_id, 1000 from conversations`);
    await fresh.db.execute(sql`
      insert into deliveries (kind, conversation_id, number, state, reason, created_at, finished_at)
      select 'post-inbound', (select id from conversations), n, 'dead', 'rejected', now(), now()
      from generate_series(1, ${rows}::int) n`);
    await fresh.db.execute(sql`
      insert into webhooks (source, url, headers, body, state, received_at)
      select 'highlevel', 'u', '{}', '\\x00', 'failed', now() from generate_series(1, ${rows}::int) n`);
    const some = { kind: "post-inbound", limit: 5 } as const;
    expect((await fresh.db.transaction((tx) => replayDeliveries(tx, some))).replayed).toBe(5);
    expect((await fresh.db.transaction((tx) => discardDeliveries(tx, some, "no"))).discarded).toBe(5);
    expect((await fresh.db.transaction((tx) => replayFailed(tx, { source: "highlevel", limit: 5 }))).ids).toHaveLength(
      5,
    );
  } finally {
    await fresh.close();
  }
});

test("one whose step fails says so, and keeps back no other", async () => {
  const broken = await make({ filter: { ...everything, locationId: "here" } });
  const other = await make({ filter: { ...everything, locationId: "there" } });
  await db.execute(sql`
    create or replace function fail() returns trigger language plpgsql as
    $$ begin if exists (select from conversations where id = old.conversation_id and location_id = 'here')
    then raise exception 'cannot be updated'; end if; return new; end $$`);
  await db.execute(sql`create trigger fails before update on deliveries for each row execute function fail()`);
  try {
    await db.execute(sql`update replays set next_at = now() - make_interval(secs => 10 - id)`);
    await expect(stepReplay(context())).rejects.toThrow();
    expect(await stepReplay(context())).toBe(true);
    const failing = await stateOf(broken.id);
    expect(failing).toMatchObject({ replayed: 0, state: "running", reason: expect.stringContaining("failed") });
    expect(await stateOf(other.id)).toMatchObject({ replayed: 1000, reason: null });
  } finally {
    await db.execute(sql`drop trigger fails on deliveries`);
  }
});

test("webhooks are read again no faster than they are processed", async () => {
  await db.execute(sql`
    insert into webhooks (source, url, headers, body, state, received_at)
    select 'highlevel', 'u', '{}', '\\x00', 'failed', now() - interval '1 hour' from generate_series(1, 10000) n`);
  const { id } = await make({ filter: { of: "webhooks", source: "highlevel" }, perSecond: 1000 });
  for (let turn = 0; turn < 6; turn++) await step();
  expect(await stateOf(id)).toMatchObject({ replayed: 4000, state: "running" });
  await db.execute(sql`update webhooks set state = 'processed' where state = 'received'`);
  await step();
  expect((await stateOf(id)).replayed).toBe(5000);
});
