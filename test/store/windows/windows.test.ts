import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { requireWindow, takePlace } from "../../../src/outbox/windows/keep-to-window.ts";
import { type ConsentOf, changeConsents } from "../../../src/registry/opt-outs/change-consents.ts";
import { changeMapping } from "../../../src/registry/register-mapping.ts";
import { createSealer } from "../../../src/secrets/seal.ts";
import { recordAttempts } from "../../../src/store/attempts.ts";
import { ensureConversations, keyOf } from "../../../src/store/conversations.ts";
import { enqueueDeliveries } from "../../../src/store/deliveries.ts";
import { claimLanes } from "../../../src/store/lanes/claim-lanes.ts";
import type { HeldLane } from "../../../src/store/lanes/held-lane.ts";
import { putLocation } from "../../../src/store/locations.ts";
import { deleteMapping, findMapping } from "../../../src/store/mappings.ts";
import { findMessage, insertMessages } from "../../../src/store/messages/messages.ts";
import { type Database, selectRows } from "../../../src/store/postgres/database.ts";
import type { MappingRow, Message } from "../../../src/store/schema.ts";
import { countSend, isDayFull, uncountSend } from "../../../src/store/windows/daily-sends.ts";
import { holdBack } from "../../../src/store/windows/hold-back.ts";
import { hasWrittenLately, readSendRules, wakeSends } from "../../../src/store/windows/send-rules.ts";
import { openMigrated } from "../../support/database.ts";
import { insertMapping } from "../../support/insert-mapping.ts";

let database: Database;
const locationId = "location-1";
let mappingId = "";
let counter = 0;
beforeAll(async () => {
  database = await openMigrated(inject, 20);
  await putLocation(database.db, { id: locationId, sealedToken: "sealed" });
});
afterAll(() => database.close());
const addMapping = async () => {
  const settings = {
    conversationProviderId: "p",
    type: "Custom",
    unknownSender: "create",
    postAutomatic: false,
  } as const;
  return (await insertMapping(database.db, { locationId, provider: "twilio", address: `+${++counter}`, ...settings }))
    .id;
};
beforeEach(async () => {
  await database.db.execute(sql`update lanes set due_at = null`);
  mappingId = await addMapping();
});

/** Messages to be sent to so many people; their ids. */
async function enqueue(count: number): Promise<number[]> {
  const { db } = database;
  const people = Array.from({ length: count }, () => ({ mappingId, locationId, address: `+${++counter}` }));
  const conversations = await ensureConversations(db, people);
  const messages = await insertMessages(
    db,
    people.map((person) => ({
      ...{ mappingId, conversationId: conversations.get(keyOf(person))?.id ?? 0, receivedAt: new Date() },
      ...({ direction: "outbound", state: "queued" } as const),
    })),
  );
  const owed = messages.map(({ id, conversationId }) => {
    return { kind: "send-outbound" as const, conversationId, locationId, messageId: id };
  });
  await enqueueDeliveries(db, owed);
  return messages.map(({ id }) => id);
}

const claim = () =>
  claimLanes(database.db, {
    places: { free: 100, reserved: 0, held: { highlevel: {}, provider: {} }, heldByMapping: {}, maxOfMapping: 100 },
    ...{ deliveriesPerLane: 10, leaseSeconds: 60, leaseToken: crypto.randomUUID() },
  });
const hold = (lane: HeldLane, inSeconds: number) =>
  holdBack(database.db, {
    ...{ lane, deliveryId: lane.deliveries[0]?.delivery.id ?? 0, inSeconds },
    ...{ reason: "outside_window", detail: "held until 09:00" },
  });
const change = (set: ReturnType<typeof sql>) =>
  database.db.execute(sql`update deliveries set ${set} where conversation_id in (
    select id from conversations where mapping_id = ${mappingId})`);
const countedFor = async () => {
  const rows = await selectRows<{ count: number }>(
    database.db,
    sql`select count from daily_sends where mapping_id = ${mappingId}`,
  );
  return rows[0]?.count;
};

describe("what is held back", () => {
  test("gives its place back without an attempt, and is looked at again when the rules change, however long it had to wait", async () => {
    await enqueue(1);
    const [lane] = await claim();
    if (!lane) throw new Error("nothing was claimed");
    expect(await hold(lane, 3600)).toBe(false);
    expect(await claim()).toEqual([]);
    expect(await selectRows(database.db, sql`select from attempts`)).toEqual([]);
    await wakeSends(database.db, mappingId);
    const [again] = await claim();
    expect(again?.deliveries).toMatchObject([{ dueInSeconds: 0, delivery: { attempts: 0 } }]);
  });

  test("is looked at again at once where the rules change while it is being held", async () => {
    await enqueue(1);
    const [lane] = await claim();
    if (!lane) throw new Error("nothing was claimed");
    await wakeSends(database.db, mappingId);
    expect(await hold(lane, 3600)).toBe(true);
    expect(await claim()).toHaveLength(1);
  });

  test("spends none of the time in which it is to be tried", async () => {
    await enqueue(1);
    await change(sql`attempts = 2, first_attempted_at = now() - interval '11 hours'`);
    const [lane] = await claim();
    if (!lane) throw new Error("nothing was claimed");
    await hold(lane, 0);
    await change(sql`held_at = now() - interval '10 hours'`);
    const [released] = await claim();
    const [head] = released?.deliveries ?? [];
    if (!released || !head) throw new Error("nothing was claimed");
    expect(head.triedForSeconds).toBeCloseTo(3600, -2);
    await recordAttempts(database.db, [
      {
        ...{ lane: released, deliveryId: head.delivery.id, messageId: head.message?.id, startedAt: new Date() },
        ...{ durationMs: 1, outcome: "unreachable", status: undefined, detail: undefined },
        next: { state: "pending", retryInSeconds: 0, counts: true, isOutcomeUnknown: false },
        lease: { giveBack: "due" },
      },
    ]);
    const [again] = await claim();
    expect(again?.deliveries[0]?.triedForSeconds).toBeCloseTo(3600, -2);
    expect(again?.deliveries[0]?.delivery).toMatchObject({ attempts: 3 });
  });

  test("goes by the rules of where its number was moved to, and is looked at when those change", async () => {
    await enqueue(1);
    const [lane] = await claim();
    if (!lane) throw new Error("nothing was claimed");
    await hold(lane, 3600);
    const next = await addMapping();
    await deleteMapping(database.db, mappingId, next);
    expect(await readSendRules(database.db, mappingId)).toMatchObject({ id: next, isDeleted: false, dailyCap: null });
    await wakeSends(database.db, next);
    expect(await claim()).toHaveLength(1);
  });
});

describe("what waits to be sent to who wants no more", () => {
  const stop = ({ deliveries: [head] }: HeldLane, more: Partial<ConsentOf> = {}) =>
    database.db.transaction((tx) => {
      const person = { locationId, address: head?.conversation.address ?? "", ...more };
      return changeConsents(tx, [{ channel: "sms", change: "stop", cause: "word", ...person }]);
    });
  async function claimOne(): Promise<HeldLane> {
    const [lane] = await claim();
    if (!lane) throw new Error("nothing was claimed");
    return lane;
  }
  const failFor = (lane: HeldLane, retryInSeconds: number) =>
    recordAttempts(database.db, [
      {
        ...{ lane, deliveryId: lane.deliveries[0]?.delivery.id ?? 0, messageId: undefined, startedAt: new Date() },
        ...{ durationMs: 1, outcome: "unreachable", status: undefined, detail: undefined },
        next: { state: "pending", retryInSeconds, counts: true, isOutcomeUnknown: false },
        lease: { giveBack: { inSeconds: retryInSeconds } },
      },
    ]);

  /** Of each that may be claimed: is it due, or is there an opt-out to look at? */
  const claimStopped = async () =>
    (await claim()).map(({ deliveries: [head] }) => head && (head.dueInSeconds <= 0 || head.isToOptedOut));

  test("is looked at again at once, held back or to be tried again much later", async () => {
    await enqueue(2);
    const [first, second] = (await claim()) as [HeldLane, HeldLane];
    await hold(first, 3600);
    await failFor(second, 3600);
    await stop(first, { address: "+15005559999" });
    expect(await claim()).toEqual([]);
    for (const lane of [first, second]) await stop(lane);
    expect(await claimStopped()).toEqual([true, true]);
  });

  test("is looked at again at once also where it began to wait while they said it", async () => {
    await enqueue(2);
    const [first, second] = (await claim()) as [HeldLane, HeldLane];
    for (const lane of [first, second]) await stop(lane);
    expect(await hold(first, 3600)).toBe(true);
    await failFor(second, 3600);
    expect(await claimStopped()).toEqual([true, true]);
  });

  test("waits on where the location is another one, and where they may be written to again", async () => {
    await enqueue(1);
    const lane = await claimOne();
    await failFor(lane, 3600);
    await putLocation(database.db, { id: "location-2", sealedToken: "sealed" });
    await stop(lane, { locationId: "location-2" });
    expect(await claim()).toEqual([]);
    await stop(lane);
    await stop(lane, { change: "start" });
    const [head] = (await claimOne()).deliveries;
    expect(head?.dueInSeconds).toBeGreaterThan(3000);
    expect(head?.isToOptedOut).toBe(false);
  });
});

test("who has just written is who wrote live: what an import brought is no question that may be answered at night", async () => {
  const [messageId = 0] = await enqueue(1);
  const [own] = await selectRows<{ id: number }>(
    database.db,
    sql`select conversation_id::float8 as id from messages where id = ${messageId}`,
  );
  const conversationId = own?.id ?? 0;
  const write = async (origin: "import" | "provider") => {
    const written = { mappingId, conversationId, origin, direction: "inbound", state: "received" } as const;
    const [stored] = await insertMessages(database.db, [
      { ...written, providerMessageId: `w-${++counter}`, receivedAt: new Date() },
    ]);
    return hasWrittenLately(database.db, { conversationId, beforeId: (stored?.id ?? 0) + 1, hours: 2 });
  };
  expect(await write("import")).toBe(false);
  expect(await write("provider")).toBe(true);
  expect(await write("import")).toBe(true);
});

describe("what was interrupted while it was found out whether it has to wait", () => {
  const hours = (from: number, until: number) => {
    const clock = (inHours: number) => new Date(Date.now() + inHours * 3_600_000).toISOString().slice(11, 16);
    return sql`send_from = ${clock(from)}, send_until = ${clock(until)}, time_zone = 'UTC'`;
  };
  const closed = hours(2, 4);
  const cap = sql`daily_cap = 1, time_zone = 'UTC'`;

  async function waits(
    rules: ReturnType<typeof sql>,
    before: (id: number) => Promise<unknown> = async () => undefined,
  ) {
    const { db } = database;
    await db.execute(
      sql`update mappings set send_from = null, send_until = null, daily_cap = null where id = ${mappingId}`,
    );
    await db.execute(sql`update mappings set ${rules} where id = ${mappingId}`);
    const [first = 0, id = 0] = await enqueue(2);
    const send = async (messageId: number) => {
      const message = (await findMessage(db, messageId))?.message as Message;
      const person = { locationId, channels: ["sms" as const], address: "id:0123abcd:ann" };
      return { mappingId, message, person, isOutcomeUnknown: true };
    };
    if (rules === cap) await takePlace(db, await send(first));
    await before(id);
    return requireWindow(db, await send(id)).catch(({ reason }) => reason);
  }
  const set = (id: number, change: ReturnType<typeof sql>) =>
    database.db.execute(sql`update deliveries set ${change} where message_id = ${id}`);

  const tried = async (id: number, outcome: string) => {
    await set(id, sql`may_have_happened = true`);
    await database.db.execute(sql`
      insert into attempts (delivery_id, started_at, duration_ms, outcome)
      select id, now(), 1, ${outcome} from deliveries where message_id = ${id}`);
  };

  test("waits, as it cannot have begun: it was not counted, or the hours were never since it came", async () => {
    expect(await waits(cap)).toBe("daily_cap");
    expect(await waits(closed)).toBe("outside_window");
    expect(await waits(closed, (id) => set(id, sql`attempts = 1`))).toBe("outside_window");
    // The one before died, and the next could call nobody: its own database was away.
    expect(await waits(closed, (id) => tried(id, "unavailable"))).toBe("outside_window");
    const counted = (id: number) => set(id, sql`counted_on = '2026-01-01'`);
    expect(await waits(sql`${closed}, daily_cap = 1`)).toBe("outside_window");
    expect(await waits(sql`${closed}, daily_cap = 1`, counted)).toBe("unconfirmed");
  });

  test.each([
    ["it was known before that it may have", cap, (id: number) => set(id, sql`may_have_happened = true`)],
    ["an attempt before may have", closed, (id: number) => tried(id, "outcome_unknown")],
    [
      "the hours were when it came",
      hours(-5, -1),
      (id: number) =>
        database.db.execute(sql`update messages set received_at = now() - interval '3 hours' where id = ${id}`),
    ],
    [
      "it may have passed as an answer",
      sql`${closed}, answer_hours = 1`,
      (id: number) =>
        database.db.execute(
          sql`update messages set content = ${JSON.stringify({ isFromAgent: true })} where id = ${id}`,
        ),
    ],
  ])("is unconfirmed where it may have begun: %s", async (_, rules, before) => {
    expect(await waits(rules, before)).toBe("unconfirmed");
  });
});

describe("a daily cap", () => {
  const day = "2026-11-28";
  /** At noon of that day, by the clocks of UTC. */
  const at = (messageId: number, on = day) => {
    const dayBeganMs = Date.parse(`${on}T00:00:00Z`);
    return { mappingId, messageId, day: on, dayBeganMs, nowMs: dayBeganMs + 12 * 3_600_000, cap: 10 };
  };
  const count = (messageId: number, on = day) => countSend(database.db, at(messageId, on));

  test("is never passed, and always reached, however many count at once, each of them twice", async () => {
    const ids = await enqueue(40);
    const counted = await Promise.all([...ids, ...ids].map(async (id) => ({ id, is: await count(id) })));
    const places = new Set(counted.filter(({ is }) => is).map(({ id }) => id));
    expect([places.size, await countedFor()]).toEqual([10, 10]);
  });

  test("counts a message once a day, and another one in the place of what was not sent", async () => {
    const ids = await enqueue(11);
    const [first = 0, ...others] = ids;
    for (const id of [first, first, ...others.slice(0, 9), first]) expect(await count(id)).toBe(true);
    expect(await count(others[9] ?? 0)).toBe(false);
    await Promise.all([1, 2, 3].map(() => uncountSend(database.db, { mappingId, messageId: first })));
    expect(await countedFor()).toBe(9);
    expect(await count(others[9] ?? 0)).toBe(true);
    expect(await count(first)).toBe(false);
  });

  test("begins anew with the day, which does not go back", async () => {
    const ids = await enqueue(12);
    for (const id of ids.slice(0, 10)) await count(id);
    expect(await count(ids[10] ?? 0)).toBe(false);
    expect(await count(ids[10] ?? 0, "2026-11-29")).toBe(true);
    expect(await countedFor()).toBe(1);
    expect(await count(ids[11] ?? 0)).toBe(true);
    expect(await countedFor()).toBe(2);
  });

  test("is looked at before anything is fetched, and lets pass what it has counted already", async () => {
    const { db } = database;
    await db.execute(sql`update mappings set daily_cap = 1, time_zone = 'Pacific/Auckland' where id = ${mappingId}`);
    const [first = 0, second = 0] = await enqueue(2);
    const send = async (id: number) => {
      const message = (await findMessage(db, id))?.message as Message;
      const person = { locationId, channels: ["sms" as const], address: "+15005550001" };
      return { mappingId, message, person, isOutcomeUnknown: false };
    };
    await requireWindow(db, await send(first));
    await takePlace(db, await send(first));
    await requireWindow(db, await send(first));
    await expect(requireWindow(db, await send(second))).rejects.toMatchObject({ reason: "daily_cap" });
    expect(await countedFor()).toBe(1);
  });

  test("goes on where the mapping is moved to another location", async () => {
    const { db } = database;
    await putLocation(db, { id: "location-3", sealedToken: "sealed" });
    const ids = await enqueue(2);
    for (const id of ids) await count(id);
    const before = (await findMapping(db, mappingId)) as MappingRow;
    const context = { db, sealer: createSealer([Buffer.alloc(32)]) };
    mappingId = (await changeMapping(context, before, { locationId: "location-3" })).mapping.id;
    expect(mappingId).not.toBe(before.id);
    expect(await countedFor()).toBe(2);
  });

  test("follows the day of the zone as it is now: what was sent since that began counts, and no day is left out", async () => {
    const ids = await enqueue(22);
    const hour = (utc: string) => Date.parse(`2026-11-${utc}:00Z`);
    /** In Auckland a day begins at 11:00 UTC, in Los Angeles at 08:00. */
    const send = (index: number, day: string, began: string, now: string) => {
      const given = { mappingId, messageId: ids[index] ?? 0, day, dayBeganMs: hour(began), nowMs: hour(now), cap: 10 };
      return Promise.all([isDayFull(database.db, given), countSend(database.db, given)]);
    };
    for (const index of ids.keys()) if (index < 10) await send(index, "2026-11-28", "27T11:00", "27T12:00");
    // Moved westward it is the 27th again, and full.
    expect(await send(10, "2026-11-27", "27T08:00", "27T13:00")).toEqual([true, false]);
    // The 28th of there is a day as any.
    expect(await send(10, "2026-11-28", "28T08:00", "28T09:00")).toEqual([false, true]);
    for (let index = 12; index < 21; index++) await send(index, "2026-11-28", "28T08:00", "28T10:00");
    // Moved eastward it is the 29th, that of what was sent, or not.
    expect(await send(11, "2026-11-28", "27T11:00", "28T10:30")).toEqual([true, false]);
    expect(await send(11, "2026-11-29", "28T11:00", "28T11:30")).toEqual([false, true]);
  });
});
