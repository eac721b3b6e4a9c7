import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge, untilPosted } from "../../support/bridge.ts";
import { publicUrl } from "../../support/location.ts";
import { until } from "../../support/until.ts";

/** HighLevel refuses a post with 503, so that nobody knows what it did, and then shows messages without their altId. */
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge({ sandbox: { showsAltIds: false } });
});
afterAll(() => bridge.stop());

let ids = 0;
async function postText(mappingId: string, address: string, text: string): Promise<void> {
  const person = address.replace("+1500555", "+1500556");
  const data = { id: `m-${++ids}`, from: person, to: address, text };
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  const webhook = signer.sign(sample, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() });
  expect((await bridge.post(webhook)).status).toBe(200);
}

/** A conversation in which one message stands already, and another one's outcome is unknown. */
async function begin(address: string, settings: Record<string, unknown>) {
  const mappingId = await bridge.addMapping({
    provider: "generic-sms",
    address,
    credentials: signer.credentials,
    ...settings,
  });
  const before = bridge.sandbox.messages().length;
  await postText(mappingId, address, "first");
  await untilPosted(bridge, before + 1);
  bridge.sandbox.setFaults([{ kind: "status", status: 503, path: "/conversations/messages/inbound", times: 1 }]);
  await postText(mappingId, address, "second");
  const texts = () =>
    bridge.sandbox
      .messages()
      .slice(before)
      .map(({ body }) => body);
  const deliveries = async (state: string) =>
    (await bridge.admin("GET", `/deliveries?mappingId=${mappingId}&state=${state}`)).body.items;
  return { mappingId, texts, deliveries };
}

test("where HighLevel's list cannot tell, repost posts again, and the attempt says so", async () => {
  const { texts, deliveries } = await begin("+15005550001", {});
  const [delivery] = await until(
    () => deliveries("delivered"),
    (items) => items.length === 2,
  );
  expect(texts()).toEqual(["first", "second"]);
  expect(delivery.detail).toMatch(/cannot tell: .*altId; posted again, as the mapping's onUnknownOutcome is repost/);
});

test("where HighLevel's list cannot tell, hold keeps it as unconfirmed, holds nobody up, and a replay posts it", async () => {
  const address = "+15005550002";
  const { mappingId, texts, deliveries } = await begin(address, { onUnknownOutcome: "hold" });
  const [held] = await until(
    () => deliveries("dead"),
    (items) => items.length === 1,
  );
  expect(held).toMatchObject({ reason: "unconfirmed", mayHaveHappened: true });
  expect(held.detail).toMatch(/cannot tell: .*onUnknownOutcome is hold: look into the conversation; a replay posts/);
  await postText(mappingId, address, "third");
  await until(texts, (list) => list.length === 2);
  expect(texts()).toEqual(["first", "third"]);

  expect((await bridge.admin("POST", `/deliveries/${held.id}/replay`)).status).toBe(202);
  await until(texts, (list) => list.length === 3);
  expect(texts()).toEqual(["first", "third", "second"]);
  await until(
    () => deliveries("dead"),
    (items) => items.length === 0,
  );
});

test("onUnknownOutcome is repost until the mapping says otherwise, and nothing but repost and hold", async () => {
  const address = "+15005550003";
  const id = await bridge.addMapping({ provider: "generic-sms", address, credentials: signer.credentials });
  expect((await bridge.admin("GET", `/mappings/${id}`)).body.onUnknownOutcome).toBe("repost");
  const changed = await bridge.admin("PATCH", `/mappings/${id}`, { onUnknownOutcome: "hold" });
  expect(changed.body.onUnknownOutcome).toBe("hold");
  const refused = await bridge.admin("PATCH", `/mappings/${id}`, { onUnknownOutcome: "guess" });
  expect(refused.status).toBe(422);
});
