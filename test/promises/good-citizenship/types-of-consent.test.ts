import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer } from "../../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { locationId, publicUrl, token } from "../../support/location.ts";
import { makeFaulty } from "../../support/stand-ins/faulty.ts";
import { createStandIn } from "../../support/stand-ins/from-fixtures.ts";
import { serveStandIns } from "../../support/stand-ins/serve.ts";
import type { StandIn } from "../../support/stand-ins/stand-in.ts";
import { until } from "../../support/until.ts";

/** HighLevel's DND for WhatsApp, GMB and FB is of mappings of these types alone; and a STOP is of all texts, whatever it came by. */
let bridge: TestBridge;
let standIn: StandIn;
let stopStandIns: () => Promise<void>;
const types = ["Custom", "WhatsApp", "GMB", "FB", "IG"] as const;
type Type = (typeof types)[number];
const apart = ["WhatsApp", "GMB", "FB"] as const;
const channels = { Custom: "sms", WhatsApp: "whatsapp", GMB: "gmb", FB: "fb", IG: "sms" } as const;
const numberOf = (type: Type) => `+1500555900${types.indexOf(type)}`;
const mappingIds = new Map<Type, string>();
/** How many more calls the provider refuses, for an hour each. */
let throttled = 0;
beforeAll(async () => {
  standIn = makeFaulty(createStandIn("generic-sms", numberOf("Custom")), {
    draw() {
      if (throttled === 0) return undefined;
      throttled--;
      return { kind: "throttled", retryAfterSeconds: 3600 };
    },
  });
  const served = await serveStandIns([standIn]);
  stopStandIns = served.stop;
  bridge = await startTestBridge({ config: { providersUrl: served.url } });
  for (const type of types) {
    const mapping = { provider: "generic-sms", credentials: signer.sendCredentials, address: numberOf(type), type };
    mappingIds.set(type, await bridge.addMapping({ ...mapping, conversationProviderId: `provider-${type}` }));
  }
  const providers = types.map((type) => ({
    ...{ id: `provider-${type}`, channel: "sms" as const, extra: true, takes: type },
    deliveryUrl: `${bridge.url}/webhooks/highlevel/${mappingIds.get(type)}`,
  }));
  bridge.sandbox.putLocation({ id: locationId, token, providers });
});
afterAll(async () => {
  await bridge.stop();
  await stopStandIns();
});

let counter = 0;
function newContact() {
  const phone = `+1500555${3000 + ++counter}`;
  return { phone, contact: bridge.sandbox.addContact({ locationId, phone }) };
}
async function say(by: Type, person: string, text: string, service = ""): Promise<void> {
  const data = { id: `said-${++counter}`, from: `${service}${person}`, to: `${service}${numberOf(by)}`, text };
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  const url = `${publicUrl}/webhooks/${mappingIds.get(by)}`;
  expect((await bridge.post(signer.sign(sample, { url, at: new Date() }))).status).toBe(200);
  await until(
    () => bridge.sandbox.messages().find(({ altId }) => altId === data.id),
    (posted) => posted !== undefined,
  );
}
/** How a message ends that an agent writes: it is sent, or refused for these words before the provider is called. */
async function write(by: Type, contactId: string): Promise<string> {
  const message = `offer-${++counter}`;
  const { messageId } = bridge.sandbox.sendAsAgent(contactId, { providerId: `provider-${by}`, message });
  const isSent = () => standIn.sent.some(({ text }) => text === message);
  const stored = () => bridge.sandbox.messages().find((each) => each.messageId === messageId);
  await until(
    () => isSent() || stored()?.error !== undefined,
    (isOver) => isOver,
  );
  return isSent() ? "sent" : (stored()?.error?.message ?? "");
}
/** The same of several at once. */
const writeAll = async (all: readonly Type[], contactId: string) =>
  Object.fromEntries(await Promise.all(all.map(async (by) => [by, await write(by, contactId)] as const)));
const ends = (all: readonly Type[], end: unknown) => Object.fromEntries(all.map((by) => [by, end]));
const dndOf = (id: string) => bridge.sandbox.contacts().find((contact) => contact.id === id)?.dndSettings ?? {};
const untilDnd = (id: string, wanted: Record<string, string>) =>
  until(
    () => Object.fromEntries(Object.entries(dndOf(id)).map(([name, entry]) => [name, entry?.status])),
    (found) => JSON.stringify(Object.entries(found).toSorted()) === JSON.stringify(Object.entries(wanted).toSorted()),
  );
const tellDnd = (id: string, phone: string, dndSettings: unknown, dnd = false) =>
  bridge.sandbox.postEvent(`${bridge.url}/webhooks/highlevel`, {
    ...{ type: "ContactDndUpdate", locationId, id, dnd, dndSettings, phone },
    ...{ webhookId: `dnd-${++counter}`, timestamp: new Date().toISOString() },
  });
const optOutsOf = async (phone: string) =>
  (await bridge.admin("GET", `/opt-outs?address=${encodeURIComponent(phone)}`)).body.items as {
    id: number;
    channel: string;
    cause: string;
    optedOutAt: string;
  }[];
const untilOptedOut = (phone: string, wanted: string[]) =>
  until(
    async () => (await optOutsOf(phone)).map(({ channel }) => channel).toSorted(),
    (found) => found.join() === wanted.toSorted().join(),
  );
const saidStop = expect.stringMatching(/^the person has texted STOP on/);
const sendBy = (type: string, contactId: string, more: Record<string, unknown> = {}) =>
  bridge.send({ type, contactId, message: "Hi", locationId, ...more }, {}, "?wait=false");

describe.each(apart)("DND for %s that somebody sets in HighLevel", (type) => {
  test("holds for what goes by such a mapping, for nothing else, and ends there", async () => {
    const { phone, contact } = newContact();
    await tellDnd(contact.id, phone, { [type]: { status: "active", message: "asked" } });
    await untilOptedOut(phone, [channels[type]]);
    const end = expect.stringMatching(`^DND for ${type} was set in HighLevel on 20`);
    expect(await writeAll(types, contact.id)).toEqual({ ...ends(types, "sent"), [type]: end });
    const refused = await sendBy(type, contact.id);
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining(`DND for ${type}`)]);
    expect((await sendBy("Custom", contact.id, { conversationProviderId: `provider-${type}` })).status).toBe(409);
    expect((await sendBy("SMS", contact.id)).status).toBe(202);
    await tellDnd(contact.id, phone, { [type]: { status: "inactive" } });
    await untilOptedOut(phone, []);
    expect(await write(type, contact.id)).toBe("sent");
    const told = await bridge.admin("GET", `/deliveries?kind=set-dnd&address=${encodeURIComponent(phone)}`);
    expect(told.body.items, "HighLevel is not told what it has told").toEqual([]);
  });

  test("is set for a STOP that came by such a mapping, beside that for SMS, and both end by a START there", async () => {
    const { phone, contact } = newContact();
    await say(type, phone, "stop");
    await untilDnd(contact.id, { SMS: "active", [type]: "active" });
    expect(await writeAll(types, contact.id)).toEqual(ends(types, saidStop));
    // Our own echo is no news, and that HighLevel says otherwise of one ends nothing.
    await tellDnd(contact.id, phone, dndOf(contact.id));
    contact.dndSettings = {};
    await tellDnd(contact.id, phone, { [type]: { status: "inactive" } });
    await untilDnd(contact.id, { SMS: "active", [type]: "active" });
    expect((await optOutsOf(phone)).map(({ cause }) => cause)).toEqual(["word", "word"]);
    await say(type, phone, "start");
    await untilDnd(contact.id, { SMS: "inactive", [type]: "inactive" });
    expect(await write(type, contact.id)).toBe("sent");
  });
});

describe("an operator who lifts", () => {
  test.each(["sms", "whatsapp"])(
    "what a STOP by WhatsApp has set, by the opt-out of %s, lifts it in all",
    async (of) => {
      const { phone, contact } = newContact();
      await say("WhatsApp", phone, "stop");
      await untilOptedOut(phone, ["sms", "whatsapp"]);
      const found = (await optOutsOf(phone)).find(({ channel }) => channel === of);
      const { body } = await bridge.admin("DELETE", `/opt-outs/${found?.id}`);
      expect(body).toMatchObject({ channel: of, liftedBy: "operator" });
      await untilDnd(contact.id, { SMS: "inactive", WhatsApp: "inactive" });
      expect(await writeAll(types, contact.id)).toEqual(ends(types, "sent"));
    },
  );

  test("what a person has said leaves what others have entered or set, and the other way round", async () => {
    const { phone, contact } = newContact();
    await say("WhatsApp", phone, "stop");
    await untilOptedOut(phone, ["sms", "whatsapp"]);
    await bridge.admin("PUT", "/opt-outs", { locationId, channel: "sms", address: phone });
    await tellDnd(contact.id, phone, { FB: { status: "active" } });
    await untilOptedOut(phone, ["sms", "whatsapp", "fb"]);
    const idOf = async (of: string) => (await optOutsOf(phone)).find(({ channel }) => channel === of)?.id;
    await bridge.admin("DELETE", `/opt-outs/${await idOf("whatsapp")}`);
    await untilOptedOut(phone, ["sms", "fb"]);
    await say("WhatsApp", phone, "stop");
    await untilOptedOut(phone, ["sms", "whatsapp", "fb"]);
    await bridge.admin("DELETE", `/opt-outs/${await idOf("sms")}`);
    await untilOptedOut(phone, ["whatsapp", "fb"]);
  });

  test("what is lifted already lifts nothing else", async () => {
    const { phone } = newContact();
    await say("WhatsApp", phone, "stop");
    await untilOptedOut(phone, ["sms", "whatsapp"]);
    const found = (await optOutsOf(phone)).find(({ channel }) => channel === "whatsapp");
    await say("WhatsApp", phone, "start");
    await say("Custom", phone, "stop");
    await untilOptedOut(phone, ["sms"]);
    await bridge.admin("DELETE", `/opt-outs/${found?.id}`);
    await untilOptedOut(phone, ["sms"]);
  });
});

test("DND for SMS that somebody sets in HighLevel holds for what HighLevel does not set apart, and not for what it does", async () => {
  const { phone, contact } = newContact();
  await tellDnd(contact.id, phone, { SMS: { status: "active" } });
  await untilOptedOut(phone, ["sms"]);
  const refused = ends(["Custom", "IG"], expect.stringMatching(/^DND for SMS/));
  expect(await writeAll(types, contact.id)).toEqual({ ...ends(apart, "sent"), ...refused });
  expect((await sendBy("WhatsApp", contact.id)).status).toBe(202);
  expect((await sendBy("Custom", contact.id, { conversationProviderId: "provider-WhatsApp" })).status).toBe(202);
  expect((await sendBy("SMS", contact.id)).status).toBe(409);
});

test("DND for everything holds for each, and is lifted for each", async () => {
  const { phone, contact } = newContact();
  await tellDnd(contact.id, phone, { GMB: { status: "active" } }, true);
  await untilOptedOut(phone, ["sms", "whatsapp", "gmb", "fb"]);
  expect(await writeAll(types, contact.id)).toEqual(ends(types, expect.stringMatching(/^DND for /)));
  await tellDnd(contact.id, phone, { GMB: { status: "active" } });
  await untilOptedOut(phone, ["gmb"]);
});

test("a STOP by SMS is of all texts, and so is a START by it, also of what they had said STOP to elsewhere", async () => {
  const { phone, contact } = newContact();
  await say("Custom", phone, "stop");
  await untilDnd(contact.id, { SMS: "active" });
  expect(await writeAll(types, contact.id)).toEqual(ends(types, saidStop));
  await say("WhatsApp", phone, "stop");
  await untilDnd(contact.id, { SMS: "active", WhatsApp: "active" });
  await say("Custom", phone, "start");
  await untilDnd(contact.id, { SMS: "inactive", WhatsApp: "inactive" });
  expect(await writeAll(types, contact.id)).toEqual(ends(types, "sent"));
});

test("what waits to be tried again waits on when something else is opted out of, and fails when its own is", async () => {
  const { phone, contact } = newContact();
  throttled = 1;
  const waiting = write("Custom", contact.id);
  await until(
    () => throttled,
    (left) => left === 0,
    20,
  );
  await tellDnd(contact.id, phone, { WhatsApp: { status: "active" } });
  await untilOptedOut(phone, ["whatsapp"]);
  expect(await write("Custom", newContact().contact.id), "sent by the same number after that").toBe("sent");
  await say("GMB", phone, "stop");
  expect(await waiting).toEqual(saidStop);
});

test("what goes by WhatsApp from a number of another type is WhatsApp as well", async () => {
  const { phone, contact } = newContact();
  await say("Custom", phone, "Hello", "whatsapp:");
  await tellDnd(contact.id, phone, { WhatsApp: { status: "active" } });
  await untilOptedOut(phone, ["whatsapp"]);
  expect(await write("Custom", contact.id)).toMatch(/^DND for WhatsApp/);
  await say("Custom", phone, "By SMS now");
  expect(await write("Custom", contact.id)).toBe("sent");
});

test("a STOP of before, at a number of such a type, is of both since it was said", async () => {
  const { phone } = newContact();
  const line = { date: "2024-01-31T09:30:00Z", direction: "inbound", person: phone, text: "STOP", id: `old-${phone}` };
  await bridge.admin("POST", "/imports", { mappingId: mappingIds.get("WhatsApp"), perSecond: 100, messages: [line] });
  await untilOptedOut(phone, ["sms", "whatsapp"]);
  expect(await optOutsOf(phone)).toMatchObject([{ optedOutAt: line.date.replace("Z", ".000Z") }, { cause: "word" }]);
});

test("an operator enters, lists, exports and lifts an opt-out of WhatsApp alone", async () => {
  const { phone, contact } = newContact();
  await say("WhatsApp", phone, "Hello");
  const person = { locationId, channel: "whatsapp", address: phone, note: "by letter" };
  const { status, body } = await bridge.admin("PUT", "/opt-outs", person);
  expect([status, body.description]).toEqual([200, expect.stringMatching(/^an opt-out was entered \(by letter\) on /)]);
  await untilDnd(contact.id, { WhatsApp: "active" });
  expect(await write("WhatsApp", contact.id)).toMatch(/^an opt-out was entered/);
  expect(await write("Custom", contact.id)).toBe("sent");
  const exported = await bridge.admin("GET", "/opt-outs/export?channel=whatsapp&cause=operator");
  expect(exported.body).toContain(`${locationId},whatsapp,${phone},operator,by letter,`);
  await bridge.admin("DELETE", `/opt-outs/${body.id}`);
  await untilDnd(contact.id, { WhatsApp: "inactive" });
  expect(await write("WhatsApp", contact.id)).toBe("sent");
});
