import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import express from "express";
import { expect, test } from "vitest";
import { createBodyMemory } from "../../src/http/body-memory.ts";
import { createWebhookLimit } from "../../src/http/limits.ts";
import { webhookRoutes } from "../../src/http/webhooks.ts";
import { adapterOf } from "../../src/providers/registry.ts";

const mappingId = "6f1f2a52-6a52-4a30-9d3c-0d5f3d1c9a11";

test("a webhook whose sender hung up before its body was read is no empty one, and holds no memory", async () => {
  const bodies: string[] = [];
  const memory = createBodyMemory({ small: 1_000_000, large: 1_000_000 });
  let held = 0;
  const mapping = {
    id: mappingId,
    provider: "postmark",
    channel: "email",
    adapter: adapterOf("postmark"),
    deletedAt: null,
  };
  let lookUp: () => Promise<unknown> = async () => mapping;
  const context = {
    log: () => undefined,
    accounts: { get: () => lookUp(), forget: () => undefined },
    isKnownId: async () => true,
    databaseWatch: { storing: (work: unknown) => work },
    receiver: {
      looksSigned: () => true,
      isVerified: async () => true,
      store: async (_source: string, _mapping: unknown, { body }: { body: Buffer }) =>
        void bodies.push(body.toString()),
    },
    webhookLimit: createWebhookLimit(0),
    bodyMemory: {
      begin: (...given: Parameters<typeof memory.begin>) => {
        const hold = memory.begin(...given);
        held++;
        const end = () => {
          hold.end();
          held--;
        };
        return { ...hold, end };
      },
    },
    during: (_work: unknown, run: () => unknown) => run(),
    publicUrl: "https://bridge.example.com",
    bodyLimitBytes: { sms: 1000, email: 1000 },
  } as unknown as Parameters<typeof webhookRoutes>[0];
  const server = createServer(express().use("/webhooks", webhookRoutes(context))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const post = () => {
    const client = connect(port, "127.0.0.1");
    const headers = `Host: x\r\nContent-Type: application/json\r\nContent-Length: 2`;
    client.write(`POST /webhooks/${mappingId} HTTP/1.1\r\n${headers}\r\n\r\n{}`);
    return client;
  };
  // As when the database is slow: the sender has gone when the mapping is found.
  const hungUp = once(server, "connection").then(([socket]) => once(socket, "close"));
  const hasGone = new Promise<unknown>((resolve) => {
    lookUp = () => {
      client.destroy();
      return hungUp.then(() => resolve(undefined)).then(() => mapping);
    };
  });
  const client = post();
  await hasGone;

  lookUp = async () => mapping;
  const patient = post();
  await once(patient, "data");
  patient.destroy();
  expect(bodies).toEqual(["{}"]);
  // Memory that is held for a body of which nothing more comes would be held for good.
  expect(held).toBe(0);
  server.close();
});
