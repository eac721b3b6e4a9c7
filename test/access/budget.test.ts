import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createBudget } from "../../src/access/budget.ts";
import { Failure } from "../../src/errors.ts";
import { type Database, openDatabase } from "../../src/store/postgres/database.ts";
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
    expect(failures[0]).toMatchObject({ reason: "throttled", retryAfterSeconds: 1 });
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
        await expect(refused).rejects.toMatchObject({ reason: "throttled", message: expect.stringMatching(/day/i) });
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
      await expect(other?.takePermit(locationId)).rejects.toMatchObject({ reason: "throttled" });
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
    const [database] = databases;
    if (!database) throw new Error("no database");
    let statements = 0;
    const execute = (statement: never) => {
      statements++;
      return database.db.execute(statement);
    };
    const db = Object.create(database.db, { execute: { value: execute } });
    const budget = createBudget({ db, per10Seconds: 1000, perDay: 180_000 });
    const ask = () =>
      Promise.all(Array.from({ length: 30 }, (_, each) => budget.takePermit(locations[each % 3] ?? "")));
    await ask();
    statements = 0;
    await ask();
    expect(statements).toBeLessThanOrEqual(2);
  });

  test("that cannot be counted lets nothing out, and burns nothing: the call was never made", async () => {
    const gone = await openDatabase({ url: store.url, poolSize: 1, startSeconds: 5 });
    await gone.close();
    const budget = createBudget({ db: gone.db, per10Seconds: 80, perDay: 180_000 });
    await expect(budget.takePermit(await addLocation())).rejects.toMatchObject({ reason: "unreachable" });
  });
});
