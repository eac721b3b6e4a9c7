import type { RequestHandler } from "express";
import { Router } from "express";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { restless } from "../../support/bridge.ts";
import { type EventReceiver, startEventReceiver } from "../../support/event-receiver.ts";
import { locationId, token } from "../../support/location.ts";
import { startTwoWay, type TwoWay, type Way } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

let twoWay: TwoWay;
let receiver: EventReceiver;
let slack: EventReceiver;
let elsewhere: EventReceiver;
/** While it is set, the stand-ins of providers answer so. */
let outage: number | undefined;
const everything = [
  ...["message.received", "message.delivered", "message.failed", "delivery.dead"],
  ...["location.paused", "location.resumed", "account.unreachable", "account.reachable"],
];

beforeAll(async () => {
  [receiver, slack, elsewhere] = await Promise.all([startEventReceiver(), startEventReceiver(), startEventReceiver()]);
  const fail: RequestHandler = (_req, res, next) => (outage === undefined ? next() : void res.status(outage).end());
  twoWay = await startTwoWay({
    tuning: restless,
    config: { allowedPrivateHosts: [receiver.host, slack.host, elsewhere.host] },
    wrap: (standIn) => ({ ...standIn, router: Router().use(fail, standIn.router) }),
  });
  receiver.secret = (await register({ url: receiver.url, locationIds: [locationId] })).secret;
  await register({ url: slack.url, format: "slack", locationIds: null });
  await twoWay.bridge.admin("PUT", "/locations/location-2", { token: "token-2" });
  elsewhere.secret = (await register({ url: elsewhere.url, locationIds: ["location-2"] })).secret;
});
afterAll(async () => {
  await twoWay.stop();
  await Promise.all([receiver.close(), slack.close(), elsewhere.close()]);
});
beforeEach(() => {
  for (const each of [receiver, slack, elsewhere]) each.events.length = each.bodies.length = 0;
  receiver.answer = () => 204;
});

async function register(endpoint: Record<string, unknown>) {
  const made = await twoWay.bridge.admin("POST", "/endpoints", { events: everything, ...endpoint });
  expect([made.status, made.body]).toEqual([201, expect.anything()]);
  return made.body;
}
const way = (provider: string): Way => {
  const found = twoWay.ways[provider];
  if (!found) throw new Error(`there is no way ${provider}`);
  return found;
};
const untilTold = (type: string, count = 1) =>
  until(
    () => receiver.events.filter((event) => event.type === type),
    (events) => events.length >= count,
  );
const untilSlack = (words: string) =>
  until(
    () => slack.bodies.map((body) => JSON.parse(body).text as string).filter((text) => text.includes(words)),
    (texts) => texts.length > 0,
  );
let counter = 0;
const newContact = () => twoWay.bridge.sandbox.addContact({ locationId, phone: `+1500555${String(3000 + ++counter)}` });
async function write(by: Way, text: string) {
  const contact = newContact();
  const message = twoWay.bridge.sandbox.sendAsAgent(contact.id, { providerId: by.providerId, message: text });
  return { contact, message };
}
const untilSent = (by: Way, to: string | undefined) =>
  until(
    () => by.standIn.sent.find((message) => message.to.includes(to ?? "")),
    (sent) => sent !== undefined,
  ).then((sent) => sent as NonNullable<typeof sent>);
const like = {
  ...{ cc: [], bcc: [], id: "x", text: "", html: undefined, subject: undefined, media: [], headers: {} },
  ...{ receiptUrl: undefined, reference: undefined },
};

test("what a person writes is told with its text, signed, to who listens to the location, and to nobody else", async () => {
  const by = way("generic-sms");
  await twoWay.answer(by, { ...like, from: by.address, to: ["+15005553990"] }, "in-1", "Is <this> & that right?");
  const [event] = await untilTold("message.received");
  expect(event).toMatchObject({
    id: expect.stringMatching(/^evt_[\da-f-]{36}$/),
    timestamp: expect.stringMatching(/Z$/),
    data: {
      ...{ locationId, address: "+15005553990", providerMessageId: "in-1", text: "Is <this> & that right?" },
      ...{ mappingId: by.mappingId, provider: "generic-sms", channel: "sms", mappedAddress: by.address },
      ...{ direction: "inbound", attachments: [] },
    },
  });
  const [text] = await untilSlack("Is");
  expect(text).toBe(`A message came from +15005553990 to ${by.address}: Is &lt;this&gt; &amp; that right?`);
  expect(elsewhere.events).toEqual([]);
});

test("what became of an answer is told: that it was delivered, or why it has failed", async () => {
  const by = way("generic-sms");
  const { contact, message } = await write(by, "On its way!");
  await twoWay.tell(by, await untilSent(by, contact.phone), "delivered");
  const [delivered] = await untilTold("message.delivered");
  expect(delivered?.data).toMatchObject({ address: contact.phone, highlevelMessageId: message.messageId });
  expect(delivered?.data).not.toHaveProperty("text");

  const other = await write(by, "On its way, too!");
  await twoWay.tell(by, await untilSent(by, other.contact.phone), "failed");
  const [failed] = await untilTold("message.failed");
  expect(failed?.data).toMatchObject({
    address: other.contact.phone,
    error: { code: expect.any(String), message: expect.any(String) },
  });
  expect(failed?.data).not.toHaveProperty("text");
  await untilSlack(`The message to ${other.contact.phone} has failed`);
});

test("a delivery that is given up is told, with the message that has failed by it, and can be told again by a replay", async () => {
  const by = way("twilio");
  outage = 401;
  const { contact } = await write(by, "Nobody is let in");
  const [dead] = await untilTold("delivery.dead");
  outage = undefined;
  expect(dead?.data).toMatchObject({
    address: contact.phone,
    delivery: { kind: "send-outbound", reason: "misconfigured", id: expect.any(Number) },
  });
  const [failed] = await untilTold("message.failed");
  expect(failed?.data.messageId).toBe(dead?.data.messageId);
  const story = await twoWay.bridge.admin("GET", `/messages/${dead?.data.messageId}`);
  const told = story.body.deliveries.filter(({ kind }: { kind: string }) => kind === "post-event");
  expect(told.map((each: { event: { type: string } }) => each.event.type).sort()).toEqual([
    ...["delivery.dead", "delivery.dead", "message.failed", "message.failed"],
  ]);
});

test("a provider that does not answer is told once, and once more when it does again", async () => {
  const by = way("telnyx");
  outage = 503;
  await write(by, "Are you there?");
  const [down] = await untilTold("account.unreachable");
  expect(down?.data).toMatchObject({ provider: "telnyx", accountId: by.mappingId, reason: "unavailable", status: 503 });
  await untilSlack("telnyx, for account");
  outage = undefined;
  // Another one goes out at once: the first may wait for its next attempt.
  const { contact } = await write(by, "And now?");
  await untilSent(by, contact.phone);
  const [up] = await untilTold("account.reachable");
  expect(up?.data).toMatchObject({ provider: "telnyx", accountId: by.mappingId, forSeconds: expect.any(Number) });
  expect(receiver.events.filter(({ type }) => type === "account.unreachable")).toHaveLength(1);
});

test("a location that is paused is told, also while it is, and that it goes on", async () => {
  const by = way("generic-sms");
  twoWay.bridge.sandbox.revokeToken(locationId);
  await twoWay.answer(by, { ...like, from: by.address, to: ["+15005553991"] }, "in-2", "Hello?");
  const [paused] = await untilTold("location.paused");
  expect(paused?.data).toMatchObject({ locationId, reason: "unauthorized" });
  twoWay.bridge.sandbox.putLocation({ id: locationId, token, providers: [] });
  await twoWay.bridge.admin("POST", `/locations/${locationId}/resume`);
  const [resumed] = await untilTold("location.resumed");
  expect(resumed?.data).toMatchObject({ locationId });
});
