import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { signer } from "../../fixtures/generic-sms/sign.ts";
import { restless, startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { type EventReceiver, type ReceivedEvent, startEventReceiver } from "../../support/event-receiver.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId, token } from "../../support/location.ts";
import { until } from "../../support/until.ts";

let bridge: TestBridge;
let receiver: EventReceiver;
let mappingId: string;
let endpointId: string;
const ours = "+15005550009";
const events = ["message.received", "message.failed", "delivery.dead"];

beforeAll(async () => {
  receiver = await startEventReceiver();
  bridge = await startTestBridge({
    tuning: restless,
    config: { allowedPrivateHosts: [receiver.host] },
  });
  const mapping = { provider: "generic-sms", address: ours, credentials: signer.credentials };
  mappingId = await bridge.addMapping(mapping);
});
afterAll(async () => {
  await bridge.stop();
  await receiver.close();
});
beforeEach(async () => {
  if (endpointId) await bridge.admin("DELETE", `/endpoints/${endpointId}`);
  receiver.events.length = 0;
  receiver.answer = () => 204;
  const made = await bridge.admin("POST", "/endpoints", { url: receiver.url, events });
  expect(made.body).toMatchObject({ secret: expect.stringMatching(/^whsec_/), disabledAt: null });
  endpointId = made.body.id;
  receiver.secret = made.body.secret;
});

let counter = 0;
/** Somebody writes; gives the provider's id. */
async function write(from = "+15005550006"): Promise<string> {
  const id = `m-${++counter}`;
  const data = { id, from, to: ours, text: `Text ${id}` };
  const body = { contentType: "application/json", body: { type: "message.received", data } };
  const posted = await bridge.post(signer.sign(body, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() }));
  expect(posted.status).toBe(200);
  return id;
}
const idsOf = (list: ReceivedEvent[]) => list.map(({ data }) => data.providerMessageId);
const untilTold = (...ids: string[]) =>
  until(
    () => idsOf(receiver.events),
    (told) => ids.every((id) => told.includes(id)),
  );
const endpoint = async () => (await bridge.admin("GET", `/endpoints/${endpointId}`)).body;
const deliveries = async (state: string) =>
  (await bridge.admin("GET", `/deliveries?kind=post-event&state=${state}`)).body.items.filter(
    (each: { endpointId: string }) => each.endpointId === endpointId,
  );
const untilDead = (count: number) =>
  until(
    () => deliveries("dead"),
    (dead) => dead.length >= count,
  );

test("an endpoint that fails in any way is told again under the same id, and what comes after waits its turn", async () => {
  const seen: string[] = [];
  const answers = [500, "hang up", 404, { status: 429, retryAfter: "1" }, 503] as const;
  const at: number[] = [];
  receiver.answer = (event) => {
    seen.push(`${event?.id} ${event?.data.providerMessageId}`);
    at.push(performance.now());
    return answers[seen.length - 1] ?? 204;
  };
  const ids = [await write(), await write(), await write("+15005550007")];
  await untilTold(...ids);
  expect(idsOf(receiver.events)).toEqual(ids);
  expect(seen).toHaveLength(answers.length + 3);
  expect(new Set(seen.slice(0, answers.length + 1)).size).toBe(1);
  // PostgreSQL counts the second that was asked for; the clock here may be a little behind.
  expect((at[4] ?? 0) - (at[3] ?? 0)).toBeGreaterThan(900);
  expect(await endpoint()).toMatchObject({ lastFailure: { reason: "unavailable", status: 503 }, failingSince: null });
});

test("what an endpoint refuses of one event is given up soon, told to nobody, and does not keep back the next", async () => {
  const refused = await write();
  receiver.answer = (event) => (event?.data.providerMessageId === refused ? 422 : 204);
  const next = await write();
  await untilTold(next);
  const [dead] = await untilDead(1);
  expect(dead).toMatchObject({
    ...{ kind: "post-event", reason: "rejected", detail: "the endpoint answered 422", attempts: 4, endpointId },
    ...{ locationId, mappingId, address: "+15005550006", event: { type: "message.received" } },
  });
  expect(receiver.events.map(({ type }) => type)).toEqual(["message.received"]);
  receiver.answer = () => 204;
  expect((await bridge.admin("POST", `/deliveries/${dead.id}/replay`)).status).toBe(202);
  await untilTold(refused);
  expect(receiver.events.at(-1)?.id).toBe(dead.event.id);
});

test("what an endpoint for all locations was not told is shown to operators alone, and sent by nobody else", async () => {
  receiver.answer = () => 422;
  const id = await write();
  const [dead] = await untilDead(1);
  const { key } = (await bridge.admin("POST", "/keys", { name: "x", access: "write", locationIds: [locationId] })).body;
  const asKey = (method: string, path: string) =>
    fetch(`${bridge.url}/admin/deliveries${path}`, { method, headers: { authorization: `Bearer ${key}` } });
  const listed = async () => ((await (await asKey("GET", "?kind=post-event")).json()) as { items: unknown[] }).items;
  expect(await listed()).toEqual([]);
  expect((await asKey("POST", `/${dead.id}/replay`)).status).toBe(404);
  const own = await bridge.admin("PATCH", `/endpoints/${endpointId}`, { locationIds: [locationId] });
  expect(own.status).toBe(200);
  expect(await listed()).toHaveLength(1);
  expect((await asKey("POST", `/${dead.id}/replay`)).status).toBe(202);
  receiver.answer = () => 204;
  await untilTold(id);
});

test("one that answers 410 is disabled, and when it is enabled a replay tells it all after all, in order", async () => {
  receiver.answer = () => 410;
  const ids = [await write(), await write(), await write()];
  await until(endpoint, ({ disabledAt }) => disabledAt !== null);
  expect(await endpoint()).toMatchObject({ disabledReason: "it answered 410: it wants no more" });
  await untilDead(1);
  expect(bridge.logLines).toContainEqual(expect.objectContaining({ event: "endpoint.disabled", endpointId }));
  // What is read once it is enabled would be told at once.
  await until(
    async () => (await bridge.admin("GET", `/webhooks?mappingId=${mappingId}&state=received`)).body.items,
    (unread) => unread.length === 0,
  );
  // One that was owed while it was being disabled is given up at its own attempt, and would else be told, too.
  await until(
    () => deliveries("pending"),
    (waiting) => waiting.length === 0,
  );
  const unheard = await write();
  receiver.answer = () => 204;
  await bridge.admin("PATCH", `/endpoints/${endpointId}`, { isDisabled: false });
  const told = (await deliveries("dead")).length;
  expect((await bridge.admin("POST", "/deliveries/replay", { kind: "post-event" })).body.replayed).toBe(told);
  const last = await write();
  await untilTold(last);
  expect(idsOf(receiver.events).filter((id) => id !== unheard)).toEqual([...ids.slice(0, told), last]);
});

test("one that has taken nothing for RETRY_HOURS is disabled", async () => {
  await bridge.restart({ retryHours: 0 });
  receiver.answer = () => 500;
  await write();
  await until(endpoint, ({ disabledReason }) => String(disabledReason).includes("RETRY_HOURS"));
  await untilDead(1);
  await bridge.restart({ retryHours: 36 });
});

test("events go out while sends are held and their location is paused", async () => {
  await bridge.admin("PUT", "/hold");
  bridge.sandbox.revokeToken(locationId);
  const first = await write();
  await until(
    async () => (await bridge.admin("GET", `/locations/${locationId}`)).body.paused,
    (paused) => paused !== null,
  );
  await untilTold(first, await write());
  bridge.sandbox.putLocation({
    id: locationId,
    token,
    providers: [{ id: smsProviderId, channel: "sms", extra: true }],
  });
  await bridge.admin("PUT", `/locations/${locationId}`, { token });
  await bridge.admin("DELETE", "/hold");
});

test("of somebody who is erased, of a location that is named no more, and by an endpoint that is deleted nothing more is told", async () => {
  const refused: unknown[] = [];
  receiver.answer = (event) => {
    refused.push(event?.data.providerMessageId);
    return 500;
  };
  const erased = await write("+15005550098");
  const other = await write("+15005550097");
  await until(
    () => deliveries("pending"),
    (pending) => pending.length === 2,
  );
  expect((await bridge.admin("DELETE", "/people/+15005550098")).status).toBe(200);
  // What was under way while it was erased has ended.
  await until(
    () => refused.includes(other),
    (isNext) => isNext,
  );
  receiver.answer = () => 204;
  await untilTold(other);
  expect(idsOf(receiver.events)).not.toContain(erased);
  expect((await deliveries("discarded"))[0]).toMatchObject({ note: "erased", event: { type: "message.received" } });

  receiver.answer = () => 500;
  await write();
  await until(
    () => deliveries("pending"),
    (pending) => pending.length === 1,
  );
  await bridge.admin("PUT", "/locations/location-2", { token: "token-2" });
  await bridge.admin("PATCH", `/endpoints/${endpointId}`, { locationIds: ["location-2"] });
  await until(
    () => deliveries("pending"),
    (pending) => pending.length === 0,
  );
  expect((await deliveries("discarded"))[0].note).toBe("the endpoint does not name this location any more");
  await bridge.admin("PATCH", `/endpoints/${endpointId}`, { locationIds: null });
  await write();
  await until(
    () => deliveries("pending"),
    (pending) => pending.length === 1,
  );
  await bridge.admin("DELETE", `/endpoints/${endpointId}`);
  expect(await deliveries("pending")).toEqual([]);
  expect((await deliveries("discarded"))[0]).toMatchObject({ note: "the endpoint was deleted" });
});

test("what a machine wrote is told as such, and is listed as kept all the same", async () => {
  const mapping = { provider: "generic-email", address: "support@example.com", credentials: signer.credentials };
  const id = await bridge.addMapping({ ...mapping, conversationProviderId: emailProviderId });
  const data = { id: "auto-1", from: "ann@example.org", to: "support@example.com", subject: "Away", text: "Next week" };
  const body = { type: "message.received", data: { ...data, autoSubmitted: "auto-replied" } };
  const webhook = signer.sign(
    { contentType: "application/json", body },
    { url: `${publicUrl}/webhooks/${id}`, at: new Date() },
  );
  expect((await bridge.post(webhook)).status).toBe(200);
  await untilTold("auto-1");
  expect(receiver.events.at(-1)?.data).toMatchObject({ automatic: "auto_reply", subject: "Away", channel: "email" });
  const kept = await bridge.admin("GET", `/messages?aside=kept&mappingId=${id}`);
  expect(kept.body.items).toHaveLength(1);
  expect((await bridge.admin("GET", `/messages?deliveryState=delivered&mappingId=${id}`)).body.items).toEqual([]);
});

test("a test says at once what the endpoint answers, and another secret signs along with the last one", async () => {
  const test = async () => (await bridge.admin("POST", `/endpoints/${endpointId}/test`)).body;
  expect(await test()).toEqual({ isDelivered: true, status: 204 });
  receiver.answer = () => 401;
  expect(await test()).toEqual({
    ...{ isDelivered: false, status: 401, reason: "misconfigured", detail: "the endpoint answered 401" },
  });
  receiver.answer = () => 204;
  const former = receiver.secret;
  const changed = await bridge.admin("PATCH", `/endpoints/${endpointId}`, { secret: "new" });
  expect(changed.body.secret).not.toBe(former);
  expect(await test()).toMatchObject({ isDelivered: true });
  receiver.secret = changed.body.secret;
  expect(await test()).toMatchObject({ isDelivered: true });
  expect((await endpoint()).secret).toBeUndefined();
});

describe("what does not fit is refused by its field", () => {
  const url = "https://example.com/x";
  test.each([
    ["url", { url: "http://example.com/x", events }],
    ["url", { url: "https://user:password@example.com/x", events }],
    ["url", { url: "nothing", events }],
    ["events", { url, events: [] }],
    ["events.0", { url, events: ["message.lost"] }],
    ["format", { url, events, format: "teams" }],
    ["secret", { url, events, secret: "whsec_short" }],
    ["secret", { url, events, format: "slack", secret: `whsec_${"A".repeat(32)}` }],
    ["locationIds", { url, events, locationIds: [] }],
    ["", { url, events, retries: 3 }],
  ])("%s of %j", async (path, body) => {
    const answer = await bridge.admin("POST", "/endpoints", body);
    expect([answer.status, answer.body.errors]).toEqual([422, [expect.objectContaining({ path })]]);
  });
});

test("Slack's URL is shown without its path, and nothing of a target stands open in the database", async () => {
  const url = "https://hooks.slack.com/services/T000/B000/marked-secret";
  const made = await bridge.admin("POST", "/endpoints", { url, events, format: "slack" });
  expect(made.body).toMatchObject({ url: "https://hooks.slack.com/…", format: "slack" });
  expect(made.body).not.toHaveProperty("secret");
  const listed = await bridge.admin("GET", "/endpoints");
  expect(JSON.stringify([listed.body, bridge.logLines])).not.toContain("marked-secret");
  await bridge.admin("DELETE", `/endpoints/${made.body.id}`);
});
