import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createTroubleWatch } from "../../src/events/watch-troubles.ts";
import type { EventType } from "../../src/model.ts";
import { createListeners } from "../../src/registry/endpoints/listeners.ts";
import { oldestWaitingSeconds } from "../../src/store/deliveries.ts";
import { insertEndpoint } from "../../src/store/events/endpoints.ts";
import { pauseLocation, putLocation } from "../../src/store/locations.ts";
import { listDeliveries } from "../../src/store/operate/list-deliveries.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { readWaiting } from "../../src/store/trouble/waiting.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";
import { until } from "../support/until.ts";

let database: Database;
const ids: Record<string, string> = {};
beforeAll(async () => {
  database = await openMigrated(inject, 6);
  const { db } = database;
  for (const id of ["a", "b", "c"]) await putLocation(db, { id, sealedToken: "sealed" });
  const mapping = { provider: "twilio", type: "Custom", unknownSender: "create", postAutomatic: false } as const;
  const { accountId } = await insertMapping(db, { ...mapping, locationId: "b", address: "+1" });
  ids["account"] = accountId;
  for (const [name, locationIds] of [
    ["all", null],
    ["a", ["a"]],
    ["b and c", ["c", "b"]],
  ] as const) {
    const events: EventType[] = ["location.paused", "location.resumed", "account.unreachable", "account.reachable"];
    const endpoint = { format: "slack" as const, sealedTarget: "x", events, createdBy: "admin" };
    ids[name] = (await insertEndpoint(db, { ...endpoint, locationIds: locationIds && [...locationIds] })).id;
  }
});
afterAll(() => database.close());

/** As several processes on one database would. */
function startWatches(count: number) {
  const { db } = database;
  const watches = Array.from({ length: count }, () =>
    createTroubleWatch({ db, listeners: createListeners(db), onWork: () => undefined, pollSeconds: 0.02 }),
  );
  const log = () => undefined;
  const loops = watches.map((watch) => watch.start(log));
  return {
    lines: watches.map((watch) => watch.hear(log)),
    stop: () => Promise.all(loops.map((loop) => loop.stop())),
  };
}

/** What was told to each endpoint, in its order: the type, and in the name of which location. */
async function told(name: string): Promise<string[]> {
  const rows = await selectRows<{ told: string }>(
    database.db,
    sql`
      select concat(event ->> 'type', ' ', location_id) as told
      from deliveries join conversations on conversations.id = conversation_id
      where kind = 'post-event' and address = ${ids[name]} order by deliveries.id`,
  );
  return rows.map((row) => row.told);
}
const untilToldAll = (count: number) =>
  until(
    () => told("all"),
    (list) => list.length === count,
  );

test("an outage is told once when it begins and once when it is over, by however many processes, to whom it concerns", async () => {
  const { lines, stop } = startWatches(3);
  const attempt = { provider: "twilio", accountId: ids["account"], locationId: "b" };
  for (const line of lines) {
    line("info", "delivery.attempted", { ...attempt, outcome: "unavailable" });
    line("warn", "provider.unreachable", { provider: "twilio", accountId: ids["account"], reason: "unavailable" });
  }
  await untilToldAll(1);
  // That it is over is seen by the attempts of any of them, once it knows.
  await until(
    async () => {
      for (const line of lines) line("info", "delivery.attempted", { ...attempt, outcome: "delivered" });
      return told("all");
    },
    (list) => list.length === 2,
  );
  await stop();
  expect(await told("all")).toEqual(["account.unreachable b", "account.reachable b"]);
  expect(await told("b and c")).toEqual(["account.unreachable b", "account.reachable b"]);
  expect(await told("a")).toEqual([]);
});

test("HighLevel's outage concerns everybody, each in the name of a location of its own", async () => {
  const { lines, stop } = startWatches(1);
  const [line] = lines;
  line?.("info", "delivery.attempted", { provider: "highlevel", locationId: "a", outcome: "unreachable" });
  line?.("warn", "provider.unreachable", { provider: "highlevel", reason: "unreachable" });
  await untilToldAll(3);
  await stop();
  expect((await told("all")).at(-1)).toBe("account.unreachable a");
  expect(await told("a")).toEqual(["account.unreachable a"]);
  expect((await told("b and c")).at(-1)).toBe("account.unreachable b");
});

test("a process that was started meanwhile neither tells an outage again nor forgets its end", async () => {
  const { lines, stop } = startWatches(1);
  await until(
    async () => {
      lines[0]?.("info", "delivery.attempted", { provider: "highlevel", locationId: "b", outcome: "delivered" });
      return told("all");
    },
    (list) => list.length === 4,
  );
  await stop();
  expect((await told("all")).slice(2)).toEqual(["account.unreachable a", "account.reachable a"]);
  expect(await told("a")).toEqual(["account.unreachable a", "account.reachable a"]);
});

test("a pause is told once, one by a limit is not, and it is over when the location goes on", async () => {
  const { stop } = startWatches(3);
  const pause = { tokenVersion: 1, detail: "" };
  await pauseLocation(database.db, { ...pause, locationId: "b", reason: "throttled", seconds: 60 });
  await pauseLocation(database.db, { ...pause, locationId: "c", reason: "unauthorized", seconds: undefined });
  await untilToldAll(5);
  await putLocation(database.db, { id: "c", sealedToken: "new" });
  await untilToldAll(6);
  await stop();
  expect((await told("all")).slice(4)).toEqual(["location.paused c", "location.resumed c"]);
  expect((await told("b and c")).slice(4)).toEqual(["location.paused c", "location.resumed c"]);
  expect(await told("a")).toHaveLength(2);
});

test("however many events wait for an endpoint, what else waits is seen", async () => {
  const { db } = database;
  await db.execute(sql`
    insert into deliveries (kind, conversation_id, number, event, created_at)
    select 'post-event', (select conversation_id from lanes where kind = 'post-event' limit 1), 1000 + n,
      '{"id": "x", "type": "location.paused", "at": ""}', now() - interval '1 hour'
    from generate_series(1, 10001) n`);
  await db.execute(sql`
    insert into deliveries (kind, conversation_id, number, reason, attempts, first_attempted_at)
    select 'send-outbound', (select min(id) from conversations), 1, 'unavailable', 1, now() - interval '400 seconds'`);
  const waiting = await readWaiting(db);
  expect(waiting.find(({ reason }) => reason === "failing")).toMatchObject({ count: 1 });
  expect(waiting.find(({ provider }) => provider === "endpoint")).toMatchObject({ count: 10_000 });
  expect(await oldestWaitingSeconds(db)).toBeLessThan(60);
  const { rows } = await listDeliveries(db, { state: "pending", kind: "send-outbound", limit: 10 });
  expect(rows).toHaveLength(1);
});
