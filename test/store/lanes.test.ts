import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { recordAttempts } from "../../src/store/attempts.ts";
import { ensureConversations, keyOf } from "../../src/store/conversations.ts";
import { enqueueDeliveries, listDeliveriesOfMessage } from "../../src/store/deliveries.ts";
import { claimLanes, type Places } from "../../src/store/lanes/claim-lanes.ts";
import { giveLaneBack, type LeaseChange } from "../../src/store/lanes/give-lane-back.ts";
import type { HeldLane } from "../../src/store/lanes/held-lane.ts";
import { pauseLocation, putLocation } from "../../src/store/locations.ts";
import { insertMessages } from "../../src/store/messages/messages.ts";
import { listDeliveries } from "../../src/store/operate/list-deliveries.ts";
import { replayDeliveries } from "../../src/store/operate/mend/replay-deliveries.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

let database: Database;
let location = "";
let counter = 0;

beforeAll(async () => {
  database = await openMigrated(inject, 20);
});
afterAll(async () => {
  await database.close();
});

/** A location of its own for each test, so that claims of one do not see the lanes of another. */
beforeEach(async () => {
  if (location)
    await pauseLocation(database.db, { locationId: location, tokenVersion: 1, reason: "unauthorized", detail: "over" });
  location = `location-${++counter}`;
  await addLocation(location);
});

/** As if time had passed: until what is due and what is leased. */
const pass = (seconds: number) =>
  database.db.execute(
    sql`update lanes set due_at = due_at - make_interval(secs => ${seconds}) where location_id = ${location}`,
  );

/** In the order in which they were made. */
async function mappingsOf(locationId: string): Promise<string[]> {
  const rows = await selectRows<{ id: string }>(
    database.db,
    sql`select id from mappings where location_id = ${locationId} order by created_at`,
  );
  return rows.map(({ id }) => id);
}

const addLocation = (id: string) => putLocation(database.db, { id, sealedToken: "sealed" });

async function enqueue(addresses: string[], locationId = location): Promise<void> {
  await database.db.transaction(async (tx) => {
    const mapping = await insertMapping(tx, {
      locationId,
      provider: "twilio",
      address: `+${++counter}`,
      conversationProviderId: "p",
      type: "Custom",
      unknownSender: "create",
      postAutomatic: false,
    });
    const people = addresses.map((address) => ({ mappingId: mapping.id, locationId, address }));
    const conversations = await ensureConversations(tx, people);
    const messages = await insertMessages(
      tx,
      people.map((person) => ({
        mappingId: mapping.id,
        conversationId: conversations.get(keyOf(person))?.id ?? 0,
        direction: "inbound" as const,
        state: "received" as const,
        providerMessageId: `m-${++counter}`,
        receivedAt: new Date(),
      })),
    );
    await enqueueDeliveries(
      tx,
      messages.map(({ id, conversationId }) => ({ kind: "post-inbound", conversationId, locationId, messageId: id })),
    );
  });
}

/** One more in the lane's line, as processing enqueues it for a worker that offers places. */
function enqueueMore({ conversationId, kind, deliveries: [held] }: HeldLane, places: number) {
  const offer = { places, leaseToken: crypto.randomUUID(), leaseSeconds: 60 };
  const owed = { conversationId, kind, locationId: location, messageId: held?.message?.id };
  return database.db.transaction((tx) => enqueueDeliveries(tx, [owed], { offer }));
}

const none = { highlevel: {}, provider: {} };
const claim = ({
  lanes = 100,
  reserved = 0,
  held = none,
  heldByMapping = {},
  maxOfMapping = lanes,
  ...more
}: { lanes?: number; deliveriesPerLane?: number; leaseSeconds?: number } & Partial<Places> = {}) =>
  claimLanes(database.db, {
    places: { free: lanes, reserved, held, heldByMapping, maxOfMapping },
    deliveriesPerLane: 10,
    leaseSeconds: 60,
    leaseToken: crypto.randomUUID(),
    ...more,
  });

const hold = { holdSeconds: 60 };
const record = (
  lane: HeldLane,
  index: number,
  outcome: "delivered" | "rejected" | "unreachable",
  lease: LeaseChange,
  seconds = 0,
) => {
  const held = lane.deliveries[index];
  if (!held) throw new Error("there is no such delivery");
  const nextSteps = {
    delivered: {
      state: "delivered",
      message: { highlevelMessageId: "h" },
    },
    rejected: { state: "dead", isOutcomeUnknown: true },
    unreachable: { state: "pending", retryInSeconds: seconds, counts: true, isOutcomeUnknown: false },
  } as const;
  const recorded = recordAttempts(database.db, [
    {
      lane,
      deliveryId: held.delivery.id,
      messageId: held.message?.id,
      startedAt: new Date(),
      durationMs: 1,
      outcome,
      status: 200,
      detail: undefined,
      next: nextSteps[outcome],
      lease,
    },
  ]);
  return recorded.then(([result]) => result);
};
const numbersOf = (lane: HeldLane | undefined) => lane?.deliveries.map(({ delivery }) => delivery.number);

test("what was before the bridge stands behind what is live, however long it has been due", async () => {
  await enqueue(["past", "live"]);
  await database.db.execute(sql`
    update lanes set kind = 'post-history', due_at = now() - interval '1 minute'
    where conversation_id = (select min(conversation_id) from lanes where location_id = ${location})`);
  expect((await claim({ lanes: 1 })).map(({ kind }) => kind)).toEqual(["post-inbound"]);
  expect((await claim({ lanes: 1 })).map(({ kind }) => kind)).toEqual(["post-history"]);
});

describe("a claim", () => {
  test("gives each lane to one worker only, however many ask at once", async () => {
    await enqueue(Array.from({ length: 60 }, (_, index) => `person-${index}`));
    const claims = await Promise.all(Array.from({ length: 15 }, () => claim({ lanes: 7 })));
    const lanes = claims.flat().map((lane) => lane.conversationId);
    expect(new Set(lanes).size).toBe(lanes.length);
    const rest = await claim();
    expect(lanes.length + rest.length).toBe(60);
  });

  test("is asked for what is due alone: not for a lane that is held, waits, or is leased as it becomes due", async () => {
    await enqueue(["a"]);
    const [lane] = (await claim()) as [HeldLane];
    const nobodys = { leased: [], isMoreDue: false };
    expect(await enqueueMore(lane, 1), "held").toEqual(nobodys);
    await record(lane, 0, "unreachable", { giveBack: { inSeconds: 60 } }, 60);
    await database.db.execute(
      sql`update lanes set due_at = now() + interval '1 minute' where location_id = ${location}`,
    );
    expect(await enqueueMore(lane, 1), "waits for its head").toEqual(nobodys);
    await pass(100);
    expect(await enqueueMore(lane, 1), "waits no more").toEqual({ leased: [], isMoreDue: true });
    await database.db.execute(sql`update lanes set due_at = null where location_id = ${location}`);
    const { leased, isMoreDue } = await enqueueMore(lane, 1);
    expect([leased.map(({ conversationId }) => conversationId), isMoreDue]).toEqual([[lane.conversationId], false]);
    await database.db.execute(sql`update lanes set due_at = null, lease_token = null where location_id = ${location}`);
    expect(await enqueueMore(lane, 0), "nothing was offered").toEqual({ leased: [], isMoreDue: true });
    await pauseLocation(database.db, { locationId: location, tokenVersion: 1, reason: "unauthorized", detail: "x" });
    await database.db.execute(sql`update lanes set due_at = null where location_id = ${location}`);
    expect((await enqueueMore(lane, 1)).leased, "its location is paused").toEqual([]);
  });

  test("brings the oldest deliveries in their order, and no more than asked for", async () => {
    await enqueue(["a", "a", "a", "b", "a"]);
    const lanes = await claim({ deliveriesPerLane: 3 });
    expect(lanes.map(numbersOf).sort()).toEqual([[1, 2, 3], [1]].sort());
  });

  test("lets locations take turns, so that a busy one keeps nobody waiting", async () => {
    await enqueue(Array.from({ length: 50 }, (_, index) => `busy-${index}`));
    const quiet = `quiet-${location}`;
    await addLocation(quiet);
    await enqueue(["one"], quiet);
    const lanes = await claim({ lanes: 4 });
    expect(lanes.map((lane) => lane.locationId)).toContain(quiet);
  });

  test("leaves the reserved places to locations that hold few, and all others to one that is alone", async () => {
    await enqueue(Array.from({ length: 50 }, (_, index) => `busy-${index}`));
    expect(await claim({ lanes: 32, reserved: 4 })).toHaveLength(28);
    const held = { highlevel: { [location]: 28 }, provider: {} };
    expect(await claim({ lanes: 4, reserved: 4, held })).toEqual([]);
    const quiet = `quiet-${location}`;
    await addLocation(quiet);
    await enqueue(["one", "two", "three"], quiet);
    const lanes = await claim({ lanes: 4, reserved: 4, held });
    expect(
      lanes.map((lane) => lane.locationId),
      "one newcomer leaves some for the next",
    ).toEqual([quiet, quiet]);
    expect(await claim({ lanes: 6, reserved: 4, held }), "beyond the reserve anybody may have them").toHaveLength(2);
  });

  test("lets the mappings of a location take turns, and gives none more than one may hold", async () => {
    await enqueue(Array.from({ length: 50 }, (_, index) => `slow-${index}`));
    expect(await claim({ lanes: 28, maxOfMapping: 24 })).toHaveLength(24);
    await enqueue(["one", "two"]);
    const [slow = ""] = await mappingsOf(location);
    const heldByMapping = { [`${location} ${slow}`]: 24 };
    const held = { highlevel: { [location]: 24 }, provider: {} };
    const few = await claim({ lanes: 8, reserved: 4, held, heldByMapping, maxOfMapping: 24 });
    expect(few.map((lane) => lane.mappingId)).not.toContain(slow);
    expect(few).toHaveLength(2);
    await enqueue(["one", "two"]);
    const turns = await claim({ lanes: 4, maxOfMapping: 4 });
    expect(turns.filter((lane) => lane.mappingId === slow)).toHaveLength(2);
    await claim();
  });

  test("does not let one location's many mappings stand before another location", async () => {
    for (let mapping = 0; mapping < 6; mapping++) await enqueue(["a"]);
    const quiet = `quiet-${location}`;
    await addLocation(quiet);
    await enqueue(["late"], quiet);
    expect((await claim({ lanes: 2 })).map((lane) => lane.locationId).sort()).toEqual([location, quiet].sort());
    await claim();
  });

  test("passes locations over that hold their share, however long theirs have been due", async () => {
    const full = Array.from({ length: 5 }, (_, index) => `full-${index}-${location}`);
    for (const id of full) {
      await addLocation(id);
      await enqueue(["a", "b", "c"], id);
    }
    await enqueue(["late"]);
    const held = { highlevel: Object.fromEntries(full.map((id) => [id, 5])), provider: {} };
    const lanes = await claim({ lanes: 4, reserved: 4, held });
    expect(lanes.map((lane) => lane.locationId)).toEqual([location]);
    const ofAll = await claim({ lanes: 8, reserved: 4, held });
    expect(new Set(ofAll.map((lane) => lane.locationId))).toEqual(new Set(full.slice(0, 4)));
    await claim();
  });

  test("leaves a paused location alone until the time is over or its token is replaced", async () => {
    await enqueue(["a"]);
    await pauseLocation(database.db, {
      locationId: location,
      tokenVersion: 1,
      reason: "throttled",
      detail: "x",
      seconds: 60,
    });
    expect(await claim()).toEqual([]);
    await addLocation(location);
    expect(await claim()).toHaveLength(1);
  });

  test("a late 401 for the last token does not pause a location that has a new one", async () => {
    await addLocation(location);
    const pause = { locationId: location, reason: "unauthorized" as const, detail: "x" };
    expect(await pauseLocation(database.db, { ...pause, tokenVersion: 1 })).toBe(false);
    expect(await pauseLocation(database.db, { ...pause, tokenVersion: 2 })).toBe(true);
  });
});

describe("a lane", () => {
  test("that was given back empty is due again as soon as something comes, also if it came meanwhile", async () => {
    await enqueue(["a"]);
    const [lane] = await claim();
    if (!lane) throw new Error("nothing was claimed");
    await record(lane, 0, "delivered", hold);
    await database.db.transaction(async (tx) => {
      const held = lane.deliveries[0];
      const [message] = await insertMessages(tx, [
        {
          mappingId: held?.message?.mappingId ?? "",
          conversationId: lane.conversationId,
          direction: "inbound",
          state: "received",
          providerMessageId: `m-${++counter}`,
          receivedAt: new Date(),
        },
      ]);
      await enqueueDeliveries(tx, [
        {
          kind: "post-inbound",
          conversationId: lane.conversationId,
          locationId: location,
          messageId: message?.id ?? 0,
        },
      ]);
    });
    expect(await claim(), "it is still held").toEqual([]);
    await giveLaneBack(database.db, lane, "idle");
    expect(numbersOf((await claim())[0])).toEqual([2]);
  });

  test("whose head is to be retried later does not let what came after it pass", async () => {
    await enqueue(["a", "a"]);
    const [lane] = await claim();
    if (!lane) throw new Error("nothing was claimed");
    await record(lane, 0, "unreachable", { giveBack: { inSeconds: 300 } }, 300);
    expect(await claim()).toEqual([]);
    await pass(301);
    const [again] = await claim();
    expect(numbersOf(again)).toEqual([1, 2]);
    expect(again?.interruptedFrom).toBeNull();
  });

  test("whose holder died is taken over when the lease has ended, and the next holder knows", async () => {
    await enqueue(["a"]);
    await claim({ leaseSeconds: 300 });
    expect(await claim()).toEqual([]);
    await pass(301);
    expect(await claim()).toMatchObject([{ interruptedFrom: 1 }]);
  });

  test("that was taken over accepts no retry or release of its former holder, but the truth that it delivered", async () => {
    await enqueue(["a", "a"]);
    const [former] = await claim({ leaseSeconds: 300 });
    await pass(301);
    const [current] = await claim();
    if (!former || !current) throw new Error("nothing was claimed");
    expect(await record(former, 0, "unreachable", hold, 1000)).toEqual({ isHeld: false, isDue: false });
    await giveLaneBack(database.db, former, "idle");
    expect(await claim(), "it is still held by the current one").toEqual([]);
    expect(await record(former, 0, "delivered", hold)).toEqual({ isHeld: false, isDue: false });
    await giveLaneBack(database.db, current, "due");
    expect(numbersOf((await claim())[0])).toEqual([2]);

    // It was called twice, and both are told: once by the delivery, once beside it.
    await record(current, 0, "delivered", hold);
    const [story] = await listDeliveriesOfMessage(database.db, former.deliveries[0]?.message?.id ?? 0);
    expect(story?.delivery).toMatchObject({ state: "delivered", attempts: 1, durationMs: 1, status: 200 });
    expect(story?.attempts.map(({ outcome }) => outcome)).toEqual(["unreachable", "delivered", "delivered"]);
  });

  test("takes a replayed delivery at its head, also when the replay comes while it is held", async () => {
    await enqueue(["a", "a", "a"]);
    const [lane] = await claim({ deliveriesPerLane: 2 });
    if (!lane) throw new Error("nothing was claimed");
    const head = lane.deliveries[0]?.delivery.id ?? 0;
    await record(lane, 0, "rejected", hold);
    await record(lane, 1, "delivered", hold);
    expect(await database.db.transaction((tx) => replayDeliveries(tx, { id: head, limit: 1 }))).toMatchObject({
      replayed: 1,
    });
    await giveLaneBack(database.db, lane, "idle");
    const [again] = await claim();
    expect(numbersOf(again)).toEqual([1, 3]);
    expect(again?.deliveries[0]?.delivery.isOutcomeUnknown, "its outcome is still open").toBe(true);
  });
});

test("replays by filter are whole and do not wait for each other for ever", async () => {
  await enqueue(Array.from({ length: 40 }, (_, index) => `person-${index}`));
  const lanes = await claim();
  for (const lane of lanes) {
    await record(lane, 0, "rejected", { giveBack: "idle" });
  }
  const replays = await Promise.all(
    [10, 30, 40].map((limit) => database.db.transaction((tx) => replayDeliveries(tx, { reason: "rejected", limit }))),
  );
  expect(replays.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(40);
  expect(await listDeliveries(database.db, { state: "dead", reason: "rejected", limit: 10 })).toMatchObject({
    rows: [],
  });
});

test("a claim reads no more than a few pages per location, however much waits and however many hold places", async () => {
  const { db } = database;
  await db.execute(sql`
    insert into locations (id, sealed_token) select 'many-' || n, 'sealed' from generate_series(1, 300) n`);
  await db.execute(sql`
    insert into conversations (location_id, address)
    select 'many-' || (1 + n % 300), 'person-' || n from generate_series(1, 30000) n`);
  await db.execute(sql`
    insert into lanes (conversation_id, kind, location_id, counter, due_at)
    select id, 'post-inbound', location_id, 1, now() from conversations where location_id like 'many-%'`);
  await db.execute(sql`analyze lanes, locations, conversations`);
  const held = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`many-${index + 1}`, 4]));
  const blocksRead = async () => {
    const [row] = await selectRows<{ blocks: number }>(
      db,
      sql`select (heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::int as blocks
        from pg_statio_user_tables where relname = 'lanes'`,
    );
    return row?.blocks ?? 0;
  };
  // A pool that is asked one thing after another answers by one connection.
  const flush = () => db.execute(sql`select pg_stat_force_next_flush()`);
  await flush();
  const before = await blocksRead();
  const lanes = await claim({ lanes: 32, reserved: 4, held: { highlevel: held, provider: {} } });
  expect(lanes).toHaveLength(32);
  await flush();
  const read = (await blocksRead()) - before;
  expect(read, "the statistics are told").toBeGreaterThan(0);
  expect(read).toBeLessThan(300 * 10);
  await db.execute(sql`update lanes set due_at = null where location_id like 'many-%'`);
});
