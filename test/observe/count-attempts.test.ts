import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type AdminContext, createOperations } from "../../src/http/admin/operations.ts";
import type { Caller } from "../../src/http/caller.ts";
import { createAttemptCounts } from "../../src/observe/count-attempts.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { selectRows } from "../../src/store/postgres/database.ts";
import { pruneStep } from "../../src/store/retention.ts";
import { openMigrated } from "../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 2);
});
afterAll(() => database.close());

const mapping = "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const admin: Caller = { who: "admin", access: "write", locationIds: undefined, isToMapping: false, ids: {} };
const keyOf = (locationId: string): Caller => ({
  ...admin,
  who: "key 7",
  locationIds: [locationId],
  isToMapping: true,
});

test("processes add up how attempts ended, and each key is told of its own locations", async () => {
  const processes = [createAttemptCounts(database.db), createAttemptCounts(database.db)];
  const common = { locationId: "location-1", mappingId: mapping, kind: "post-inbound" };
  for (const counts of processes) {
    const log = counts.hear(() => {});
    for (let number = 0; number < 9; number++)
      log("info", "delivery.attempted", { ...common, state: "delivered", outcome: "delivered", durationMs: 90 });
    log("info", "delivery.attempted", { ...common, state: "pending", outcome: "throttled", durationMs: 1_000_000 });
    log("info", "delivery.attempted", {
      ...{ locationId: "location-2", kind: "post-event", state: "dead" },
      ...{ outcome: "rejected", durationMs: 30 },
    });
  }
  await Promise.all(processes.map((counts) => counts.stop()));
  const { getMetrics, exportMetrics } = createOperations({ ...database, log: () => {} } as unknown as AdminContext);

  const { body } = await getMetrics(keyOf("location-1"), { query: { span: "1h" } });
  expect(body.all).toEqual({ delivered: 18, retrying: 2, dead: 0, throttled: 2, p50Ms: 78, p95Ms: 25_600 });
  expect(body.steps).toHaveLength(60);
  expect(body.steps.reduce((sum, { delivered }) => sum + delivered, 0)).toBe(18);
  expect(body.outcomes).toMatchObject([
    { kind: "post-inbound", outcome: "delivered", state: "delivered", p50Ms: 75, p95Ms: 98 },
    { kind: "post-inbound", outcome: "throttled", state: "pending", retrying: 2 },
  ]);
  expect(body.mappings).toMatchObject([{ mappingId: mapping, locationId: "location-1", delivered: 18 }]);
  for (const span of ["24h", "7d", "30d"]) {
    const { body: whole } = await getMetrics(admin, { query: { span } });
    expect(whole.all, span).toMatchObject({ delivered: 18, retrying: 2, dead: 2 });
    expect(whole.steps.at(-1), span).toMatchObject({ dead: 2 });
  }
  expect((await getMetrics(keyOf("location-2"), { query: { mappingId: mapping } })).body.mappings).toEqual([]);
  const { body: csv } = await exportMetrics(keyOf("location-2"));
  let lines = "";
  for await (const line of csv) lines += line;
  expect(lines).toBe(
    "locationId,mappingId,kind,state,outcome,count,p50Ms,p95Ms\nlocation-2,,post-event,dead,rejected,2,38,49\n",
  );
});

test("minutes are kept for a day, hours for 30", async () => {
  await database.db.execute(
    sql`update attempt_counts set at = now() - case when span = 'hour' then interval '2 days' else interval '25 hours' end`,
  );
  await pruneStep(database.db, { retentionDays: 30, rows: 1000 });
  expect(await selectRows(database.db, sql`select distinct span from attempt_counts`)).toEqual([{ span: "hour" }]);
});
