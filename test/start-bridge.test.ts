import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import pg from "pg";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import type { Config } from "../src/config.ts";
import { startTestBridge, type TestBridge, untilPosted } from "./support/bridge.ts";
import { copyMigrated } from "./support/database.ts";
import { loadProviders } from "./support/load.ts";
import { locationId } from "./support/location.ts";
import { until } from "./support/until.ts";

/** Nothing comes by polling while a test runs. */
const tuning = { pollSeconds: 3600 };
const encryptionKeys = [randomBytes(32)];
let database: Awaited<ReturnType<typeof copyMigrated>>;
let bridges: TestBridge[];

beforeEach(async () => {
  database = await copyMigrated(inject);
  bridges = [];
});
afterEach(async () => {
  for (const bridge of bridges.toReversed()) await bridge.stop();
  await database.drop();
});

/** The first one's sandbox, location and keys serve them all. */
async function start(run: Config["run"]): Promise<TestBridge> {
  const [first] = bridges;
  const shared = first && { highlevelUrl: first.sandboxUrl, allowedPrivateHosts: [new URL(first.sandboxUrl).host] };
  const config = { run, encryptionKeys, ...shared };
  const bridge = await startTestBridge({ databaseUrl: database.url, config, tuning });
  bridges.push(bridge);
  return bridge;
}

const [twilio] = loadProviders;
if (!twilio) throw new Error("no provider");

const addTwilio = (bridge: TestBridge) => bridge.addMapping(twilio.mapping);
/** Until so many processes have told PostgreSQL that they listen. */
const untilListening = (processes: number) =>
  until(
    () => ask("select pid from pg_stat_activity where datname = $1 and query ilike 'listen %'"),
    (rows) => rows.length === processes,
  );

async function cutConnections(): Promise<void> {
  await ask("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1");
}

/** Of the server, with the name of the database. */
async function ask(statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: inject("postgresUrl") });
  await client.connect();
  const name = new URL(database.url).pathname.slice(1);
  return (await client.query(statement, [name]).finally(() => client.end())).rows;
}

test("what a web process stores, a worker delivers at once, not at its next poll", async () => {
  const web = await start("web");
  const mappingId = await addTwilio(web);
  await start("worker");
  await untilListening(2);
  for (let number = 1; number <= 3; number++) {
    expect((await web.post(twilio.webhook(mappingId, 1, number))).status).toBe(200);
    await untilPosted(web, number);
  }
});

test("a worker that started late takes what was stored before", async () => {
  const web = await start("web");
  const mappingId = await addTwilio(web);
  await web.post(twilio.webhook(mappingId, 1, 1));
  await sleep(200);
  expect(web.sandbox.messages()).toHaveLength(0);
  await start("worker");
  await untilPosted(web, 1);
});

test("a worker answers for its health and nothing else; a web process sends, and replays wake the worker", async () => {
  const web = await start("web");
  const worker = await start("worker");
  const statusOf = async (path: string, method = "GET") =>
    (await axios.request({ url: `${worker.url}${path}`, method, validateStatus: () => true })).status;
  expect(await statusOf("/livez")).toBe(200);
  expect(await statusOf("/readyz")).toBe(200);
  for (const path of ["/admin/mappings", "/oauth/install", "/v1/messages/1"]) expect(await statusOf(path)).toBe(404);
  expect(await statusOf("/webhooks/highlevel", "POST")).toBe(404);

  const contact = web.sandbox.addContact({ locationId, phone: "+15005550006" });
  const sent = await web.send({ type: "SMS", contactId: contact.id, message: "Hi" });
  expect(sent).toMatchObject({ status: 200 });
  const queued = await web.send({ type: "SMS", contactId: contact.id, message: "Hi" }, {}, "?wait=false");
  await until(
    () => web.sent(queued.body.id),
    ({ body }) => body.state === "sent",
  );
});

test("the send route says 429 and when to come again, when HighLevel's limit for the location is used up", async () => {
  const highlevelRequests = { per10Seconds: 1, perDay: 1 };
  const bridge = await startTestBridge({ databaseUrl: database.url, config: { highlevelRequests }, tuning });
  bridges.push(bridge);
  const contact = bridge.sandbox.addContact({ locationId, phone: "+15005550006" });
  const send = () => bridge.send({ type: "SMS", contactId: contact.id, message: "Hi" });
  expect(await send()).toMatchObject({ status: 200 });
  const refused = await send();
  expect(refused.status).toBe(429);
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect(refused.body.detail).toContain("HIGHLEVEL_REQUESTS_PER_DAY");
});

test("a worker whose listening connection is cut listens again at once, and says so", async () => {
  const web = await start("web");
  const mappingId = await addTwilio(web);
  const worker = await start("worker");
  await untilListening(2);
  await cutConnections();
  await until(
    () => worker.logLines.filter(({ event }) => event === "notifications.back"),
    (lines) => lines.length === 1,
  );
  expect(worker.logLines.filter(({ event }) => event === "notifications.lost")).toEqual([]);
  await web.post(twilio.webhook(mappingId, 1, 1));
  await untilPosted(web, 1);
});
