import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { createBudget } from "../../src/access/budget.ts";
import { Failure } from "../../src/errors.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { copyMigrated } from "../support/database.ts";
import { until } from "../support/until.ts";

let store: Awaited<ReturnType<typeof copyMigrated>>;
let databases: Database[];
let client: pg.Client;
let count = 0;

beforeAll(async () => {
  store = await copyMigrated(inject);
  const open = () => openDatabase({ url: store.url, poolSize: 4, startSeconds: 5 });
  databases = [await open(), await open(), await open()];
  client = new pg.Client({ connectionString: store.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await Promise.all(databases.map((database) => database.close()));
  await store.drop();
});

async function addLocation(): Promise<string> {
  count++;
  await client.query("insert into locations (id) values ($1)", [`location-${count}`]);
  return `location-${count}`;
}

/** As many processes as there are databases. */
const budgetsOf = (settings: { per10Seconds: number; perDay?: number }) =>
  databases.map(({ db }) => createBudget({ db, perDay: 180_000, ...settings }));

/** With the statements that it has cost. */
function counted() {
  const [database] = databases;
  if (!database) throw new Error("no database");
  let statements = 0;
  const { session } = database.db as unknown as { session: { prepareQuery(...given: unknown[]): unknown } };
  const counting = {
    prepareQuery(...given: unknown[]) {
      statements++;
      return session.prepareQuery(...given);
    },
  };
  const db = Object.create(database.db, { session: { value: counting } });
  return { budget: createBudget({ db, per10Seconds: 1000, perDay: 180_000 }), statements: () => statements };
}

const outcomes = async (calls: Promise<void>[]) => {
  const settled = await Promise.allSettled(calls);
  const failures = settled.flatMap((each) => (each.status === "rejected" ? [each.reason as Failure] : []));
  return { granted: settled.length - failures.length, failures };
};

describe("the budget of a location", () => {
  test("is one for all processes: however many ask at once, no more go out than the limit allows", async () => {
    const locationId = await addLocation();
    const budgets = budgetsOf({ per10Seconds: 100 });
    const started = performance.now();
    const calls = budgets.flatMap((budget) => Array.from({ length: 60 }, () => budget.takePermit(locationId)));
    const { granted, failures } = await outcomes(calls);
    const seconds = (performance.now() - started) / 1000;
    expect(granted).toBeGreaterThanOrEqual(20 + 10);
    expect(granted).toBeLessThanOrEqual(20 + 10 * seconds + 1);
    expect(failures[0]).toBeInstanceOf(Failure);
    expect(failures[0]).toMatchObject({ reason: "own_limit", retryAfterSeconds: 1 });
    const { rows } = await client.query("select day_used from budgets where location_id = $1", [locationId]);
    expect(rows).toEqual([{ day_used: granted }]);
  });

  test("of another location is its own", async () => {
    const [busy, quiet] = [await addLocation(), await addLocation()];
    const [budget] = budgetsOf({ per10Seconds: 10 });
    const all = outcomes(Array.from({ length: 50 }, async () => budget?.takePermit(busy)));
    const started = performance.now();
    await expect(budget?.takePermit(quiet)).resolves.toBeUndefined();
    const { granted } = await all;
    expect(granted).toBeLessThanOrEqual(2 + (performance.now() - started) / 1000 + 2);
  });

  test("shrinks to what HighLevel says is left, less what is to be left to others", async () => {
    const locationId = await addLocation();
    const [budget] = budgetsOf({ per10Seconds: 80 });
    await budget?.takePermit(locationId);
    budget?.heed(locationId, { "x-ratelimit-max": "100", "x-ratelimit-remaining": "22" });
    const started = performance.now();
    const { granted } = await outcomes(Array.from({ length: 40 }, async () => budget?.takePermit(locationId)));
    // Two at once, and eight for each second that they waited.
    expect(granted).toBeLessThanOrEqual(2 + 8 * Math.ceil((performance.now() - started) / 1000) + 2);
    expect(granted).toBeGreaterThanOrEqual(2);
  });

  test("counts the day as HighLevel counts it, and pauses when the day is used up", async () => {
    const locationId = await addLocation();
    const [budget] = budgetsOf({ per10Seconds: 1000, perDay: 180_000 });
    await budget?.takePermit(locationId);
    const headers = { "x-ratelimit-max": "1000", "x-ratelimit-remaining": "999", "x-ratelimit-limit-daily": "200000" };
    budget?.heed(locationId, { ...headers, "x-ratelimit-daily-remaining": "20002" });
    const { granted, failures } = await outcomes(
      Array.from({ length: 10 }, async () => budget?.takePermit(locationId)),
    );
    expect(granted).toBe(2);
    expect(failures[0]?.message).toContain("HIGHLEVEL_REQUESTS_PER_DAY");
    expect(failures[0]?.retryAfterSeconds).toBeGreaterThan(0);
    expect(failures[0]?.retryAfterSeconds).toBeLessThanOrEqual(900);
  });

  describe("that HighLevel says is used up for the day", () => {
    const privateLimits = { "x-ratelimit-limit-daily": "10000", "x-ratelimit-daily-remaining": "0" };
    const isKnownToAll = async (locationId: string) =>
      until(
        async () => (await client.query("select day_asked_at from budgets where location_id = $1", [locationId])).rows,
        ([row]) => row?.day_asked_at instanceof Date,
      );

    test("is left alone by all processes and after pauses, however small that limit is", async () => {
      const locationId = await addLocation();
      const [budget, other] = budgetsOf({ per10Seconds: 1000 });
      await budget?.takePermit(locationId);
      budget?.heed(locationId, privateLimits);
      await isKnownToAll(locationId);
      for (const each of [budget, other]) {
        const refused = each?.takePermit(locationId);
        await expect(refused).rejects.toMatchObject({ reason: "own_limit", message: expect.stringMatching(/day/i) });
      }
    });

    test("is asked by one call now and then, and by no more until that has been answered", async () => {
      const locationId = await addLocation();
      const [budget, asking, other] = budgetsOf({ per10Seconds: 1000 });
      await budget?.takePermit(locationId);
      budget?.heed(locationId, privateLimits);
      await isKnownToAll(locationId);
      await client.query(
        "update budgets set day_asked_at = day_asked_at - interval '16 minutes' where location_id = $1",
        [locationId],
      );
      expect((await outcomes([1, 2, 3].map(async () => asking?.takePermit(locationId)))).granted).toBe(1);
      await expect(other?.takePermit(locationId)).rejects.toMatchObject({ reason: "own_limit" });
      asking?.heed(locationId, { ...privateLimits, "x-ratelimit-daily-remaining": "9999" });
      // The delivery that asked goes on at once with its next call.
      await expect(asking?.takePermit(locationId)).resolves.toBeUndefined();
    });
  });

  test("is full again after a long time, and starts a new day", async () => {
    const locationId = await addLocation();
    const [budget] = budgetsOf({ per10Seconds: 1_000_000, perDay: 5 });
    await outcomes(Array.from({ length: 10 }, async () => budget?.takePermit(locationId)));
    const long = "interval '30 days'";
    await client.query(
      `update budgets set interval_used = 2000000, interval_started_at = interval_started_at - ${long},
         day_started_at = day_started_at - ${long} where location_id = $1`,
      [locationId],
    );
    const [, other] = budgetsOf({ per10Seconds: 1_000_000, perDay: 5 });
    await expect(other?.takePermit(locationId)).resolves.toBeUndefined();
  });

  test("costs one statement for all who ask at the same time", async () => {
    const locations = [await addLocation(), await addLocation(), await addLocation()];
    const { budget, statements } = counted();
    const ask = () =>
      Promise.all(Array.from({ length: 30 }, (_, each) => budget.takePermit(locations[each % 3] ?? "")));
    await ask();
    const before = statements();
    await ask();
    expect(statements() - before).toBeGreaterThan(0);
    expect(statements() - before).toBeLessThanOrEqual(2);
  });

  describe("while calls follow one another", () => {
    // Time stands still: on a busy machine, too, a call follows the last one at once.
    beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
    afterEach(() => void vi.useRealTimers());

    const callOften = async (budget: ReturnType<typeof createBudget>, locationId: string, times: number) => {
      for (let call = 0; call < times; call++) await budget.takePermit(locationId);
    };

    test("is asked for as many ahead as have just gone out, and the day counts them all", async () => {
      const locationId = await addLocation();
      const { budget, statements } = counted();
      await callOften(budget, locationId, 63);
      // 1, and 1 + 1, 1 + 2, 1 + 3, 1 + 4 …
      expect(statements()).toBeLessThanOrEqual(15);
      const { rows } = await client.query("select day_used from budgets where location_id = $1", [locationId]);
      expect(rows[0].day_used).toBeGreaterThanOrEqual(63);
      expect(rows[0].day_used).toBeLessThan(63 + 15);
    });

    test("takes a quarter at most of what is left, so that other processes find theirs", async () => {
      const locationId = await addLocation();
      const [budget, other] = budgetsOf({ per10Seconds: 40 });
      if (!budget || !other) throw new Error("no budgets");
      await callOften(budget, locationId, 5);
      // Of eight at once: one, one and one ahead, …
      const { granted } = await outcomes([1, 2].map(() => other.takePermit(locationId)));
      expect(granted).toBe(2);
    });

    test("uses none that were taken ahead once it is late, or HighLevel says that nothing is left", async () => {
      const locationId = await addLocation();
      const { budget, statements } = counted();
      await callOften(budget, locationId, 21);
      const before = statements();
      await callOften(budget, locationId, 2);
      expect(statements() - before).toBeLessThan(2);
      vi.advanceTimersByTime(250);
      const late = statements();
      await budget.takePermit(locationId);
      expect(statements()).toBe(late + 1);
      await callOften(budget, locationId, 20);
      budget.heed(locationId, { "x-ratelimit-max": "1000", "x-ratelimit-remaining": "0" });
      const asked = statements();
      const last = budget.takePermit(locationId);
      expect(statements()).toBe(asked + 1);
      vi.useRealTimers();
      await outcomes([last]);
    });
  });

  test("that cannot be counted lets nothing out, and burns nothing: the call was never made", async () => {
    const gone = await openDatabase({ url: store.url, poolSize: 1, startSeconds: 5 });
    await gone.close();
    const budget = createBudget({ db: gone.db, per10Seconds: 80, perDay: 180_000 });
    await expect(budget.takePermit(await addLocation())).rejects.toMatchObject({ reason: "unreachable" });
  });
});
