import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { copyMigrated } from "../../support/database.ts";
import { acceptedBy, faultless, idOf, judge, type LoadProvider, loadProviders } from "../../support/load.ts";
import { serveStandIns } from "../../support/stand-ins/serve.ts";
import { until } from "../../support/until.ts";

let bridge: TestBridge;
let database: Awaited<ReturnType<typeof copyMigrated>>;
let served: Awaited<ReturnType<typeof serveStandIns>>;
beforeAll(async () => {
  database = await copyMigrated(inject);
  served = await serveStandIns([]);
  bridge = await startTestBridge({ databaseUrl: database.url, config: { providersUrl: served.url } });
});
afterAll(async () => {
  await bridge.stop();
  await served.stop();
  await database.drop();
});

test("500 webhooks of all providers, a tenth of them repeated, and HighLevel failing on a fifth: each message once, in order", async () => {
  const messagesPerPerson = 12;
  const repeatedPerPerson = 2;
  const people = Math.ceil(500 / (messagesPerPerson + repeatedPerPerson) / loadProviders.length);
  bridge.sandbox.setFaults([
    { kind: "status", status: 503, path: "/conversations/messages/inbound", rate: 0.08 },
    { kind: "drop", path: "/conversations/messages/inbound", rate: 0.04 },
    { kind: "no-answer", path: "/conversations/messages/inbound", rate: 0.04 },
    { kind: "bad-json", path: "/conversations/messages/inbound", rate: 0.04 },
  ]);
  const acknowledged = new Set<string>();
  let webhooks = 0;
  const send = async (provider: LoadProvider, mappingId: string, person: number, number: number) => {
    webhooks++;
    const { status } = await bridge.post(provider.webhook(mappingId, person, number));
    expect(status).toBe(200);
    acknowledged.add(idOf(provider.mapping.provider, person, number));
  };
  const sendAll = async (provider: LoadProvider, mappingId: string, person: number) => {
    for (let number = 1; number <= messagesPerPerson; number++) {
      await send(provider, mappingId, person, number);
      if (number % 10 === 5) await send(provider, mappingId, person, number);
      if (number % 20 === 7) await send(provider, mappingId, person, number - 3);
    }
  };
  const people_ = Array.from({ length: people }, (_, person) => person);
  await Promise.all(
    loadProviders.map(async (provider) => {
      const mappingId = await bridge.addMapping({ ...provider.mapping });
      await Promise.all(people_.map((person) => sendAll(provider, mappingId, person)));
    }),
  );
  expect(webhooks).toBeGreaterThanOrEqual(500);

  const count = async (path: string) => (await bridge.admin("GET", path)).body.items.length as number;
  const pending = () => count("/deliveries?state=pending&limit=1");
  // What was fetched is received again, and owes then.
  await until(
    async () => (await pending()) + (await count("/webhooks?state=received&limit=1")) + (await pending()),
    (left) => left === 0,
    400,
  );
  const accepted = acceptedBy(bridge.sandbox);
  expect(judge(acknowledged, acknowledged, accepted)).toEqual(faultless);
  expect(accepted).toHaveLength(people * messagesPerPerson * loadProviders.length);
}, 600_000);
