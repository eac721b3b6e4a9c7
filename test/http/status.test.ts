import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { signer } from "../fixtures/twilio/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";

const root = join(import.meta.dirname, "../..");
const secrets = {
  ADMIN_API_KEY: "k".repeat(40),
  ENCRYPTION_KEYS: Buffer.alloc(32, 7).toString("base64"),
  HIGHLEVEL_CLIENT_ID: "6512-abc",
  HIGHLEVEL_CLIENT_SECRET: "the-client-secret",
  METRICS_TOKEN: "the-metrics-token-of-16",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=the-collectors-secret",
  DATABASE_URL: "postgres://bridge:the-password@db.example.com:5432/bridge?sslpassword=another",
};
const { shown } = readConfig({ ...secrets, PUBLIC_URL: "https://bridge.example.com", RETENTION_DAYS: "7" });

let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge({ isEmbedded: true, config: { shown } });
});
afterAll(() => bridge.stop());

test("the status tells which version runs on what, what opens what is sealed, and how things stand", async () => {
  await bridge.addMapping({ provider: "twilio", address: "+15005550006", credentials: signer.credentials });
  const { status, body } = await bridge.admin("GET", "/status");
  expect(status).toBe(200);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { entries } = JSON.parse(readFileSync(join(root, "migrations/meta/_journal.json"), "utf8"));
  expect(body).toMatchObject({
    version,
    node: process.version,
    database: { version: expect.stringMatching(/^\d+/), migrations: entries.length, isPooled: false },
    standing: { pending: [], dead: [], paused: [], behindSeconds: 0 },
  });
  // The location's token and the account's credentials, which its mapping has as well.
  expect(body.encryptionKeys).toMatchObject([{ keyId: expect.any(String), seals: true }]);
  expect(body.encryptionKeys[0].sealedValues).toBeGreaterThanOrEqual(2);
});

test("the status shows settings as the process has them, and of secrets whether they are set", async () => {
  const { body } = await bridge.admin("GET", "/status");
  expect(body.settings).toMatchObject({
    ...{ RETENTION_DAYS: "7", SEND_RETRY_HOURS: "4 (by default)", PUBLIC_URL: "https://bridge.example.com/" },
    ...{ ADMIN_API_KEY: "set", METRICS_TOKEN: "set", DATABASE_URL: "postgres://db.example.com:5432/bridge" },
  });
  const text = JSON.stringify(body);
  for (const secret of ["the-client-secret", "the-metrics", "the-collectors", "the-password", "another", "kkkk"]) {
    expect(text).not.toContain(secret);
  }
  expect(text).not.toContain(secrets.ENCRYPTION_KEYS);
});
