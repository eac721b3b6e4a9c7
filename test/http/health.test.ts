import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import express from "express";
import request from "supertest";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type HealthContext, healthRoutes } from "../../src/http/health.ts";
import { createLog } from "../../src/log.ts";
import { type DatabaseWatch, watchDatabase } from "../../src/observe/watch-database.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { copyEmbedded } from "../support/database.ts";

const dataDir = mkdtempSync(join(tmpdir(), "bridge-health-"));
let database: Database;
let databaseWatch: DatabaseWatch;
beforeAll(async () => {
  copyEmbedded(inject, dataDir);
  database = await openDatabase({ dataDir });
  databaseWatch = watchDatabase(database.db);
});
afterAll(async () => {
  await database.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const ready = async (context: Partial<HealthContext>) => {
  const log = createLog("silent");
  const app = express();
  const adminApiKeys = ["test-admin-key-of-more-than-32-characters"];
  app.use(
    healthRoutes({
      ...{ database, databaseWatch, log, adminApiKeys },
      secondsSinceTurn: () => 1,
      takesRequests: true,
      ...context,
    }),
  );
  const { status, body } = await request(app).get("/readyz");
  return { status, body };
};

test("a process that takes webhooks stays ready while its worker is stuck, and says so", async () => {
  expect(await ready({})).toMatchObject({ status: 200, body: { status: "ok", worker: "ok", behindSeconds: 0 } });
  expect(await ready({ secondsSinceTurn: () => 61 })).toMatchObject({
    status: 200,
    body: { status: "ok", database: "ok", worker: "stuck" },
  });
});

test("a process that does nothing but work is not ready while it is stuck", async () => {
  expect(await ready({ takesRequests: false })).toMatchObject({ status: 200, body: { worker: "ok" } });
  expect(await ready({ takesRequests: false, secondsSinceTurn: () => 61 })).toMatchObject({
    status: 503,
    body: { status: "unavailable", worker: "stuck" },
  });
});

test("a process without a worker is ready, and says that the work is done elsewhere", async () => {
  expect(await ready({ secondsSinceTurn: () => undefined })).toMatchObject({
    status: 200,
    body: { worker: "elsewhere" },
  });
});

/** As PostgreSQL says it when it cannot write. */
async function failWrites(table: string, state: string): Promise<void> {
  await database.db.execute(
    sql.raw(`create or replace function fail() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file' using errcode = '${state}'; end $$`),
  );
  await database.db.execute(
    sql.raw(`create or replace trigger fails before insert on ${table} execute function fail()`),
  );
}
const mend = (table: string) => database.db.execute(sql.raw(`drop trigger fails on ${table}`));

test.each([
  ["full", "53100", /disk is full/],
  ["read_only", "25006", /standby/],
  ["too_many_connections", "53300", /max_connections/],
])("a database that can be read and not written to is %s: 503, and a line that says what to do", async (...row) => {
  const [trouble, state, words] = row;
  const lines: [string, string, unknown][] = [];
  const context = {
    databaseWatch: watchDatabase(database.db),
    log: (...line: [string, string, unknown]) => void lines.push(line),
  };
  await failWrites("write_probes", state);
  const { status, body } = await ready(context as never);
  expect({ status, body }).toMatchObject({
    status: 503,
    body: { status: "unavailable", database: trouble, worker: "ok" },
  });
  expect(body.detail).toMatch(words);
  expect(lines).toEqual([["error", "database.failing", { database: trouble, advice: expect.stringMatching(words) }]]);
  await mend("write_probes");
  expect(await ready(context as never)).toMatchObject({ status: 200, body: { database: "ok" } });
});

test("what webhooks meet counts at once, though the last probe went well", async () => {
  const watch = watchDatabase(database.db);
  expect(await watch.trouble()).toBeUndefined();
  const full = Object.assign(new Error("could not extend file"), { code: "53100" });
  await expect(watch.storing(Promise.reject(full))).rejects.toBe(full);
  expect(await ready({ databaseWatch: watch })).toMatchObject({ status: 503, body: { database: "full" } });
  await watch.storing(Promise.resolve());
  expect(await ready({ databaseWatch: watch })).toMatchObject({ status: 200 });
});
