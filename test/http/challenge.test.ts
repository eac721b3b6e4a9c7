import { afterAll, beforeAll, expect, test } from "vitest";
import { signer as bandwidth } from "../fixtures/bandwidth/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { publicUrl } from "../support/location.ts";
import { providerOf } from "../support/providers.ts";
import { until } from "../support/until.ts";
import { writeMessage } from "../support/write-webhooks.ts";

let bridge: TestBridge;
let id = "";
beforeAll(async () => {
  bridge = await startTestBridge();
  id = await bridge.addMapping({
    ...{ provider: "bandwidth", address: "+15005550009", credentials: bandwidth.credentials },
  });
});
afterAll(() => bridge.stop());

test("a provider that brings credentials only when it is asked for them is asked, with a body or without", async () => {
  for (const request of [{}, { body: "[]", headers: { "content-type": "application/json" } }]) {
    const answer = await fetch(`${bridge.url}/webhooks/${id}`, { method: "POST", ...request });
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="webhooks"']);
  }
  const warned = bridge.logLines.filter(({ level, event }) => level === "warn" && String(event).startsWith("webhook."));
  expect(warned, "that is no attack").toEqual([]);
});

test("what it then brings is taken, and with other credentials refused", async () => {
  const message = { id: "answer-1", from: "+15005550006", to: "+15005550009", text: "Hello" };
  const webhook = writeMessage(providerOf("bandwidth"), message, {
    url: `${publicUrl}/webhooks/${id}`,
    at: new Date(),
  });
  const forged = { ...webhook, headers: { ...webhook.headers, authorization: "Basic eDp5" } };
  expect((await bridge.post(forged)).status).toBe(401);
  expect((await bridge.post(webhook)).status).toBe(200);
  const messages = () => bridge.admin("GET", `/messages?mappingId=${id}`);
  const { body } = await until(messages, (answer) => answer.body.items.length > 0);
  expect(body.items).toMatchObject([{ direction: "inbound", address: "+15005550006" }]);
});
