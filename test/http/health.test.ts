import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import request from "supertest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HealthContext, healthRoutes } from "../../src/http/health.ts";
import { createLog } from "../../src/log.ts";
import { type Database, openDatabase } from "../../src/store/postgres/database.ts";

const dataDir = mkdtempSync(join(tmpdir(), "bridge-health-"));
let database: Database;
beforeAll(async () => {
  database = await openDatabase({ dataDir });
});
afterAll(async () => {
  await database.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const ready = async (context: Partial<HealthContext>) => {
  const log = createLog("silent");
  const app = express();
  const adminApiKey = "test-admin-key-of-more-than-32-characters";
  app.use(healthRoutes({ database, log, adminApiKey, secondsSinceTurn: () => 1, takesRequests: true, ...context }));
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
