import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";

let bridge: TestBridge;

beforeAll(async () => {
  bridge = await startTestBridge({ config: { highlevelRequests: { per10Seconds: 100, perDay: 1000 } } });
});
afterAll(() => bridge.stop());

const show = async () => (await bridge.admin("GET", `/locations/${locationId}`)).body;

test("a location tells what is left of its day's calls, and what waits for it", async () => {
  await bridge.admin("PUT", "/locations/another", { token: "pit-another" });
  expect(await show()).toMatchObject({ callsLeftToday: 1000, waiting: { count: 0, oldestAt: null } });
  const mapping = { provider: "generic-sms", address: "+15005550009", credentials: signer.credentials };
  const id = await bridge.addMapping({ ...mapping, locationId, conversationProviderId: smsProviderId });
  const write = (messageId: string) => {
    const data = { id: messageId, from: "+15005550006", to: "+15005550009", text: "hi" };
    const sample = { contentType: "application/json", body: { type: "message.received", data } };
    return bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
  };
  await write("m-1");
  const used = await until(show, ({ callsLeftToday, waiting }) => callsLeftToday < 1000 && waiting.count === 0);
  expect(used.callsLeftToday).toBeGreaterThan(900);
  const { checks } = (await bridge.admin("POST", `/locations/${locationId}/check`)).body;
  expect(checks).toContainEqual({
    check: "calls",
    state: "ok",
    detail: expect.stringMatching(/^9\d\d of the day's 1000 /),
  });
  await bridge.admin("POST", `/mappings/${id}/pause`);
  await write("m-2");
  const held = await until(show, ({ waiting }) => waiting.count === 1);
  expect(Date.parse(held.waiting.oldestAt)).toBeGreaterThan(0);
  const { items } = (await bridge.admin("GET", "/locations")).body;
  const { callsLeftToday } = await show();
  expect(items).toMatchObject([
    { id: "another", callsLeftToday: 1000, waiting: { count: 0, isAll: true } },
    { id: locationId, callsLeftToday, waiting: { count: 1, isAll: true } },
  ]);
  expect((await bridge.admin("GET", "/locations/another")).body).toMatchObject({
    ...{ callsLeftToday: 1000, waiting: { count: 0, oldestAt: null } },
  });
});
