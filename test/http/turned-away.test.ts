import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WebhookRequest } from "../../src/model.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { publicUrl } from "../support/location.ts";
import { providerOf } from "../support/providers.ts";
import { until } from "../support/until.ts";

let bridge: TestBridge;
let id: string;
let request: WebhookRequest;
beforeAll(async () => {
  bridge = await startTestBridge();
  const { signer, fixtures } = providerOf("twilio");
  id = await bridge.addMapping({ provider: "twilio", address: "+15005550006", credentials: signer.credentials });
  const sample = fixtures[0]?.fixture.request;
  if (!sample) return expect.unreachable("there are no fixtures");
  const calledAt = `http://sms.example.org/webhooks/${id}`;
  const signed = signer.sign(sample, { url: calledAt, at: new Date() });
  request = { ...signed, url: `${publicUrl}/webhooks/${id}` };
});
afterAll(() => bridge.stop());

const linesOf = (event: string, level = "warn") =>
  bridge.logLines.filter((line) => line["event"] === event && line["level"] === level);

interface Refused {
  reason: string;
  source: string;
  count: number;
}
const refusedOf = async (path: string): Promise<Refused[]> => (await bridge.admin("GET", path)).body.refused;

test("an operator sees why webhooks are refused, by account and by mapping, and nothing of what was sent", async () => {
  expect(await refusedOf(`/accounts/${id}`)).toEqual([]);
  const { "x-twilio-signature": _signature, ...unsigned } = request.headers;
  const proxied = { ...request, headers: { ...request.headers, "x-forwarded-host": "sms.example.org" } };
  for (const each of [proxied, proxied, { ...request, headers: unsigned }, request])
    expect((await bridge.post(each)).status).toBe(401);
  expect((await bridge.post({ ...request, body: Buffer.alloc(150_000) })).status).toBe(413);
  const json = { ...request, headers: { ...request.headers, "content-type": "text/plain" } };
  expect((await bridge.post(json)).status).toBe(415);
  const toDelivery = { ...request, url: `${publicUrl}/webhooks/highlevel/${id}` };
  expect((await bridge.post(toDelivery)).status).toBe(401);

  const refused = await until(
    () => refusedOf(`/mappings/${id}`),
    (all) => all.length === 6,
  );
  const times = { firstAt: expect.any(String), lastAt: expect.any(String) };
  const fits = { fits: "http://sms.example.org", publicUrl };
  const ofProvider = [
    { source: "provider", reason: "other_url", count: 2, ...fits, ...times },
    { source: "provider", reason: "unsigned", count: 1, ...times },
    { source: "provider", reason: "no_match", count: 1, ...times },
    { source: "provider", reason: "too_large", count: 1, bytes: 150_000, limitBytes: 100_000, ...times },
    { source: "provider", reason: "wrong_type", count: 1, ...times },
  ];
  expect(sorted(refused)).toEqual(
    sorted([...ofProvider, { source: "highlevel", reason: "unsigned", count: 1, ...times }]),
  );
  expect(sorted(await refusedOf(`/accounts/${id}`))).toEqual(sorted(ofProvider));

  expect(linesOf("webhook.refused")).toMatchObject([
    { accountId: id, provider: "twilio", reason: "other_url", ...fits },
    { accountId: id, reason: "unsigned" },
    { accountId: id, reason: "no_match" },
    { accountId: id, reason: "wrong_type" },
    { mappingId: id, provider: "highlevel", reason: "unsigned" },
  ]);
  expect(linesOf("webhook.refused", "debug")).toMatchObject([{ accountId: id, reason: "other_url" }]);
});

const sorted = (refused: Refused[]) =>
  [...refused].sort((a, b) => `${a.source} ${a.reason}`.localeCompare(`${b.source} ${b.reason}`));

test("what comes to an id that nobody was given leaves a line, and a flood of it a few", async () => {
  const ids = Array.from({ length: 20 }, () => randomUUID());
  const post = async (each: string | undefined) =>
    (await bridge.post({ ...request, url: `${publicUrl}/webhooks/${each}` })).status;
  expect(new Set(await Promise.all([...ids, ids[0]].map(post)))).toEqual(new Set([404]));
  const told = linesOf("webhook.missing");
  expect(new Set(told.map((line) => line["id"])).size).toBe(10);
  for (const line of told) expect(line).toMatchObject({ id: expect.toBeOneOf(ids), status: 404 });
  expect(linesOf("webhook.missing", "debug")).toHaveLength(11);
});

test("a key sees only what came to accounts that it reaches whole", async () => {
  const { signer } = providerOf("telnyx");
  for (const other of ["loc-a", "loc-b"]) await bridge.admin("PUT", `/locations/${other}`, { token: "t" });
  const account = { provider: "telnyx", credentials: signer.credentials, locationIds: ["loc-a", "loc-b"] };
  const { body: shared } = await bridge.admin("POST", "/accounts", account);
  const mapping = { accountId: shared.id, locationId: "loc-a", address: "+15005550007" };
  const { body: mapped } = await bridge.admin("POST", "/mappings", mapping);
  const { body: key } = await bridge.admin("POST", "/keys", { name: "a", locationIds: ["loc-a"], access: "read" });
  const headers = { "content-type": "application/json" };
  await bridge.post({ ...request, url: `${publicUrl}/webhooks/${shared.id}`, headers, body: Buffer.from("{}") });
  await until(
    () => refusedOf(`/mappings/${mapped.id}`),
    (all) => all.length === 1,
  );
  const answer = await fetch(`${bridge.url}/admin/mappings/${mapped.id}`, {
    headers: { authorization: `Bearer ${key.key}` },
  });
  expect(await answer.json()).toMatchObject({ id: mapped.id, refused: [] });
});
