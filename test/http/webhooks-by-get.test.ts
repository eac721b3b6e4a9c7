import { afterAll, beforeAll, expect, test } from "vitest";
import type { WebhookRequest } from "../../src/model.ts";
import { signer as plivo, signGet } from "../fixtures/plivo/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { type Fixture, readFixtures } from "../support/fixtures.ts";
import { publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";

let bridge: TestBridge;
let id = "";
beforeAll(async () => {
  bridge = await startTestBridge();
  id = await bridge.addMapping({ provider: "plivo", address: "+15005550009", credentials: plivo.credentials });
});
afterAll(() => bridge.stop());

const { fixture } = readFixtures("plivo").find(({ name }) => name === "text") as { fixture: Fixture };
const signed = () => signGet(fixture.request, { url: `${publicUrl}/webhooks/${id}`, at: new Date() });
const ask = ({ url, headers }: Pick<WebhookRequest, "url" | "headers">, more: RequestInit = {}) =>
  fetch(url.replace(publicUrl, bridge.url), { headers, ...more });
const stored = async () => (await bridge.admin("GET", `/webhooks?mappingId=${id}`)).body.items;

test("what is not signed, or calls by another method, is not stored", async () => {
  const { headers, url } = signed();
  expect((await ask({ url, headers: {} })).status).toBe(401);
  expect((await ask({ url: `${url}0`, headers })).status).toBe(401);
  const head = await ask({ url, headers }, { method: "HEAD" });
  // Some providers ask so whether there is anybody.
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const put = await ask({ url, headers }, { method: "PUT" });
  expect(put.status).toBe(404);
  expect((await ask({ url: url.replace(id, "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11"), headers })).status).toBe(404);
  expect(await stored()).toEqual([]);
});

test("a provider that only posts is not called by GET", async () => {
  const other = await bridge.addMapping({
    ...{ provider: "telnyx", address: "+15005550019", credentials: telnyx.credentials },
  });
  const answer = await ask({ url: `${publicUrl}/webhooks/${other}`, headers: {} });
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
});

test("a signed one is answered as the provider wants, kept with its URL, and becomes a message", async () => {
  const { url, headers } = signed();
  const answer = await ask({ url, headers });
  expect([answer.status, await answer.text()]).toEqual([200, "<Response/>"]);
  const [webhook] = await until(stored, ([first]) => first?.state === "processed");
  const kept = (await bridge.admin("GET", `/webhooks/${webhook.id}`)).body;
  expect([kept.url, kept.bodyBase64]).toEqual([url, ""]);
  expect(Object.keys(kept.headers).filter((name) => name.includes("signature"))).toEqual([]);
  const { items } = (await bridge.admin("GET", `/messages?mappingId=${id}`)).body;
  expect(items).toMatchObject([{ direction: "inbound", address: "+15005550006" }]);
});
