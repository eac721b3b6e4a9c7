import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mostOfLocation } from "../../src/registry/require-room.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, smsProviderId } from "../support/location.ts";

const second = "location-2";
const usual = { ...mostOfLocation };
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge();
  const providers = [{ id: "provider-sms-2", channel: "sms" as const, extra: true }];
  bridge.sandbox.putLocation({ id: second, token: "token-2", providers });
  await bridge.admin("PUT", `/locations/${second}`, { name: "Second", token: "token-2" });
});
afterEach(() => Object.assign(mostOfLocation, usual));
afterAll(() => bridge.stop());

const { credentials } = telnyx;
let numbers = 0;
const map = (location: string, more: object = { provider: "telnyx", credentials }) => {
  const conversationProviderId = location === second ? "provider-sms-2" : smsProviderId;
  const address = `+1500555${String(1000 + ++numbers)}`;
  return bridge.admin("POST", "/mappings", { ...more, address, locationId: location, conversationProviderId });
};

test("a location that has as many mappings as it may gets no more, and keeps no other location from its own", async () => {
  Object.assign(mostOfLocation, { mappings: 2 });
  const first = await map(locationId);
  expect([first.status, (await map(locationId)).status]).toEqual([201, 201]);
  const errors = [{ path: "locationId", message: expect.stringContaining("delete mappings") }];
  expect(await map(locationId)).toMatchObject({ status: 409, body: { errors } });
  const elsewhere = await map(second);
  expect(elsewhere.status).toBe(201);
  // Nor by moving one here, or by deleting and making them in turns.
  const move = { locationId, conversationProviderId: smsProviderId };
  expect((await bridge.admin("PATCH", `/mappings/${elsewhere.body.id}`, move)).status).toBe(409);
  expect((await bridge.admin("DELETE", `/mappings/${first.body.id}`)).status).toBe(204);
  expect((await map(locationId)).status).toBe(409);
});

test("nor accounts of its own, nor by a file of numbers", async () => {
  const account = { provider: "telnyx", credentials, locationIds: [second] };
  Object.assign(mostOfLocation, { accounts: 2 });
  const { body: shared } = await bridge.admin("POST", "/accounts", account);
  const answer = await bridge.admin("POST", "/accounts", account);
  expect(answer).toMatchObject({ status: 409, body: { errors: [{ path: "locationId" }] } });
  const { items } = (await bridge.admin("GET", "/accounts")).body;
  const elsewhere = items.find(({ locationIds: [only] }: { locationIds: string[] }) => only === locationId);
  const both = { locationIds: [locationId, second] };
  expect((await bridge.admin("PATCH", `/accounts/${elsewhere.id}`, both)).status, "nor by a PATCH").toBe(409);
  expect((await bridge.admin("PATCH", `/accounts/${shared.id}`, { name: "Shared" })).status).not.toBe(409);

  Object.assign(mostOfLocation, { mappings: 2 });
  const rows = [1, 2].map((end) => ({
    ...{ address: `+1500555900${end}`, locationId: second, conversationProviderId: "provider-sms-2" },
  }));
  const imported = await bridge.admin("POST", "/mappings/import", { accountId: shared.id, mappings: rows });
  expect(imported).toMatchObject({ status: 422, body: { errors: [{ path: "line 2: locationId" }] } });
});
