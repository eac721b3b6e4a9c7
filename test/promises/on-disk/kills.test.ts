import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import type { WebhookRequest } from "../../../src/model.ts";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId, token, until } from "../../support/bridge.ts";
import { type BridgeProcess, spawnBridge } from "../../support/bridge-process.ts";
import { acceptedBy, faultless, idOf, judge, type LoadProvider, loadProviders } from "../../support/load.ts";
import { createDatabase } from "../../support/postgres.ts";

const adminApiKey = "k".repeat(32);
let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let database: Awaited<ReturnType<typeof createDatabase>>;
let environment: Record<string, string>;
let running: BridgeProcess[] = [];

beforeEach(async () => {
  sandbox = await startSandbox({ rateLimit: undefined });
  sandbox.sandbox.putLocation({
    id: locationId,
    token,
    providers: [
      { id: smsProviderId, channel: "sms", extra: true },
      { id: emailProviderId, channel: "email", extra: true },
    ],
  });
  database = await createDatabase(inject("postgresUrl"));
  environment = {
    PUBLIC_URL: publicUrl,
    ADMIN_API_KEY: adminApiKey,
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: randomBytes(32).toString("base64"),
    HIGHLEVEL_URL: sandbox.url,
    HIGHLEVEL_TIMEOUT_SECONDS: "2",
    LOG_LEVEL: "warn",
  };
  running = [];
});
afterEach(async () => {
  for (const bridge of running) bridge.kill("SIGKILL");
  await Promise.all(running.map((bridge) => bridge.exited));
  await sandbox.stop();
  await database.drop();
});

const start = async () => {
  const bridge = await spawnBridge({ ...environment, LOG_LEVEL: "info" });
  running.push(bridge);
  return bridge;
};

const admin = async (bridge: BridgeProcess, method: string, path: string, data?: unknown) =>
  (
    await axios.request({
      method,
      url: `${bridge.url}/admin${path}`,
      data,
      headers: { authorization: `Bearer ${adminApiKey}` },
    })
  ).data;

async function addMappings(bridge: BridgeProcess): Promise<[LoadProvider, string][]> {
  await admin(bridge, "PUT", `/locations/${locationId}`, { token });
  return Promise.all(
    loadProviders.map(async (provider): Promise<[LoadProvider, string]> => {
      const { id } = await admin(bridge, "POST", "/mappings", { locationId, ...provider.mapping });
      return [provider, id];
    }),
  );
}

/** As a provider does: again and again, until it is acknowledged. */
async function postUntilAcknowledged(url: () => string, request: () => WebhookRequest): Promise<void> {
  for (;;) {
    const { url: signed, headers, body } = request();
    const answer = await axios
      .post(`${url()}${signed.slice(publicUrl.length)}`, body, { headers, validateStatus: () => true, timeout: 5000 })
      .catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(50);
  }
}

function startLoad(mappings: [LoadProvider, string][], people: number, url: () => string) {
  const acknowledged = new Set<string>();
  const sent = new Set<string>();
  let isOver = false;
  const sendAll = async ([provider, mappingId]: [LoadProvider, string], person: number) => {
    for (let number = 1; !isOver; number++) {
      const id = idOf(provider.mapping.provider, person, number);
      sent.add(id);
      await postUntilAcknowledged(url, () => provider.webhook(mappingId, person, number));
      acknowledged.add(id);
      await sleep(20 + Math.random() * 60);
    }
  };
  const done = Promise.all(
    mappings.flatMap((mapping) => Array.from({ length: people }, (_, person) => sendAll(mapping, person))),
  );
  return {
    acknowledged,
    sent,
    stop: async () => {
      isOver = true;
      await done;
    },
  };
}

const accepted = () => acceptedBy(sandbox.sandbox);

async function untilDelivered(bridge: BridgeProcess): Promise<void> {
  const left = async () => [
    ...(await admin(bridge, "GET", "/webhooks?state=received&limit=1")).items,
    ...(await admin(bridge, "GET", "/deliveries?state=pending&limit=1")).items,
  ];
  await until(left, (items) => items.length === 0, 60);
}

test("kill -9 of the bridge 20 times under load: nothing that was acknowledged is missing, doubled or out of order", async () => {
  let bridge = await start();
  const mappings = await addMappings(bridge);
  sandbox.sandbox.setFaults([{ kind: "delay", delayMs: 20, path: "/conversations/messages/inbound" }]);
  const load = startLoad(mappings, 10, () => bridge.url);
  for (let kill = 1; kill <= 20; kill++) {
    await sleep(100 + Math.random() * 500);
    bridge.kill("SIGKILL");
    await bridge.exited;
    bridge = await start();
  }
  await load.stop();
  await untilDelivered(bridge);
  expect(load.acknowledged.size).toBeGreaterThan(200);
  expect(judge(load.acknowledged, load.sent, accepted())).toEqual(faultless);
}, 180_000);

test("three bridges on one database, one of them standing still longer than its lease: each message once, in order", async () => {
  const bridges = [await start(), await start(), await start()] as const;
  const mappings = await addMappings(bridges[0]);
  sandbox.sandbox.setFaults([
    { kind: "delay", delayMs: 10, path: "/conversations/messages/inbound" },
    { kind: "status", status: 502, rate: 0.01, path: "/conversations/messages/inbound" },
  ]);
  let turn = 0;
  // The one that stands still takes no webhooks: a load balancer would have noticed.
  const load = startLoad(mappings, 10, () => bridges[1 + (turn++ % 2)]?.url ?? "");
  await sleep(1000);
  bridges[0].kill("SIGSTOP");
  await sleep(9000);
  bridges[0].kill("SIGCONT");
  await sleep(2000);
  await load.stop();
  await untilDelivered(bridges[1]);
  expect(judge(load.acknowledged, load.sent, accepted())).toEqual(faultless);
}, 120_000);

test("SIGTERM finishes what is under way and ends with 0", async () => {
  const bridge = await start();
  const mappings = await addMappings(bridge);
  sandbox.sandbox.setFaults([{ kind: "delay", delayMs: 800, path: "/conversations/messages/inbound" }]);
  const load = startLoad(mappings.slice(0, 1), 3, () => bridge.url);
  await until(accepted, () => load.acknowledged.size >= 3);
  const stopping = load.stop();
  await until(
    () => sandbox.sandbox.callCount("/conversations/messages/inbound"),
    (calls) => calls > 0,
  );
  bridge.kill("SIGTERM");
  expect(await bridge.exited).toBe(0);
  const next = await start();
  Object.assign(bridge, { url: next.url });
  await stopping;
  await untilDelivered(next);
  expect(judge(load.acknowledged, load.sent, accepted())).toEqual(faultless);
  const interrupted = bridge.logLines.filter((line) => line.includes('"outcome":"cut off"'));
  expect(interrupted).toEqual([]);
}, 60_000);
