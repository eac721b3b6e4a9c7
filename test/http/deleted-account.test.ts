import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { expect, test } from "vitest";
import { createBodyMemory } from "../../src/http/body-memory.ts";
import { createWebhookLimit } from "../../src/http/limits.ts";
import { problems } from "../../src/http/problem.ts";
import { webhookRoutes } from "../../src/http/webhooks.ts";
import { adapterOf } from "../../src/providers/registry.ts";

const id = "6f1f2a52-6a52-4a30-9d3c-0d5f3d1c9a11";
const dayMs = 86_400_000;

test.each([
  ["lately", 6.9 * dayMs, 200, 1],
  ["more than a week ago", 7.1 * dayMs, 410, 0],
])("what is posted to an account that was deleted %s", async (_name, agoMs, status, stored) => {
  let count = 0;
  const deletedAt = new Date(Date.now() - agoMs);
  const account = { id, provider: "postmark", channel: "email", adapter: adapterOf("postmark"), deletedAt };
  const context = {
    ...{ log: () => undefined, isKnownId: async () => true, during: (_work: unknown, run: () => unknown) => run() },
    accounts: { get: async () => account, forget: () => undefined },
    receiver: { looksSigned: () => true, isVerified: async () => true, store: async () => void count++ },
    ...{ webhookLimit: createWebhookLimit(0), bodyMemory: createBodyMemory({ small: 1e6, large: 1e6 }) },
    ...{ databaseWatch: { storing: (work: unknown) => work }, confirm: async () => true },
    ...{ publicUrl: "https://bridge.example.com", bodyLimitBytes: { sms: 1000, email: 1000 } },
  } as unknown as Parameters<typeof webhookRoutes>[0];
  const app = express()
    .use("/webhooks", webhookRoutes(context))
    .use(problems(() => undefined));
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/${id}`;
  const answer = await fetch(url, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  expect([answer.status, count]).toEqual([status, stored]);
  server.close();
});
