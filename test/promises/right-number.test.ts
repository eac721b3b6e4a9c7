import { afterAll, beforeAll, expect, test } from "vitest";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl, smsProviderId, token } from "../support/location.ts";
import { createStandIn } from "../support/stand-ins/from-fixtures.ts";
import { serveStandIns } from "../support/stand-ins/serve.ts";
import type { StandIn } from "../support/stand-ins/stand-in.ts";
import { until } from "../support/until.ts";

/** Where HighLevel does not say by which number a text goes, it goes by the right one, and the message says why. */
let bridge: TestBridge;
let standIn: StandIn;
let stopStandIns: () => Promise<void>;
const chats = { chat: "id:page-1", IG: "id:page-2" };
const numbers = { oldest: "+15005550040", agents: "+15005550041", german: "+4915123456789", standard: "+15005550042" };
const ids: Record<string, string> = {};
beforeAll(async () => {
  standIn = createStandIn("generic-sms");
  const served = await serveStandIns([standIn]);
  stopStandIns = served.stop;
  bridge = await startTestBridge({ config: { providersUrl: served.url } });
  bridge.sandbox.putLocation({
    id: locationId,
    token,
    providers: [
      { id: smsProviderId, channel: "sms", extra: true },
      { id: "provider-calls", channel: "call", extra: true },
      { id: "provider-chat", channel: "sms", extra: true },
      { id: "provider-IG", channel: "sms", extra: true, takes: "IG" },
    ],
  });
  const add = async (name: string, more: Record<string, unknown> = {}) => {
    const address = { ...numbers, ...chats, calls: "+15005550049" }[name];
    ids[name] = await bridge.addMapping({
      ...{ provider: "generic-sms", address, credentials: signer.sendCredentials, ...more },
    });
  };
  // Older than all, and none of them for texts to a number.
  await add("calls", { type: "Call", callProviderId: "provider-calls" });
  await add("chat", { conversationProviderId: "provider-chat" });
  await add("IG", { conversationProviderId: "provider-IG", type: "IG" });
  await add("oldest");
  await add("agents", { userIds: ["agent-7"] });
  await add("german");
});
afterAll(async () => {
  await bridge.stop();
  await stopStandIns();
});

let counter = 0;
/** Has an agent write by the app's one delivery URL; gives what went out. */
async function send(about: Record<string, unknown>) {
  const message = `words ${++counter}`;
  const body = { type: "SMS", locationId, messageId: `hl-${counter}`, message, ...about };
  await bridge.sandbox.postEvent(`${bridge.url}/webhooks/highlevel`, body);
  return until(
    () => standIn.sent.find(({ text }) => text === message),
    (found) => found !== undefined,
  );
}

/** The number by which it went, and why. */
async function write(phone: string, userId = "somebody", contactId = `contact-${++counter}`) {
  const sent = await send({ phone, userId, contactId });
  const { body: found } = await bridge.admin("GET", `/messages?address=${encodeURIComponent(phone)}`);
  const { body: whole } = await bridge.admin("GET", `/messages/${found.items[0].id}`);
  return [sent?.from, whole.content.chosenBy];
}

/** Has somebody write; ends when it is in HighLevel. */
async function say(from: string, to: string, id = "", contact = {}) {
  const text = `words ${++counter}`;
  const data = { id: `m-${counter}`, from, to, text, contact };
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  const posted = await bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
  expect(posted.status).toBe(200);
  const message = await until(
    () => bridge.sandbox.messages().find(({ body }) => body === text),
    (found) => found !== undefined,
  );
  return message?.contactId;
}

test("by the oldest, as long as nobody says more", async () => {
  expect(await write("+15005550301")).toEqual([numbers.oldest, "country"]);
  expect(await write("+33612345678")).toEqual([numbers.oldest, "oldest"]);
});

test("by the one of the person's country", async () => {
  expect(await write("+4917612345678")).toEqual([numbers.german, "country"]);
});

test("by the agent's before that", async () => {
  expect(await write("+4917612345679", "agent-7")).toEqual([numbers.agents, "agent"]);
});

test("by the location's default one, where none is of the country, or the default one is as well", async () => {
  const { standard } = numbers;
  ids["standard"] = await bridge.addMapping({
    ...{ provider: "generic-sms", address: standard, credentials: signer.sendCredentials, isDefault: true },
  });
  expect(await write("+33612345679")).toEqual([standard, "default"]);
  expect(await write("+15005550302")).toEqual([standard, "default"]);
  expect(await write("+4917612345670")).toEqual([numbers.german, "country"]);
});

test("by the one by which the person was written with last, before all others", async () => {
  const from = "+4917612345671";
  const contactId = await say(from, numbers.oldest, ids["oldest"]);
  expect(await write(from, "agent-7", contactId)).toEqual([numbers.oldest, "last"]);
});

test.each(["ContactCreate", "ContactUpdate", "ContactDelete"])(
  "also where %s of another contact with the same number has come since, or of this one",
  async (type) => {
    const from = `+491761234568${++counter % 10}`;
    const contactId = await say(from, numbers.oldest, ids["oldest"]);
    const id = type === "ContactDelete" ? contactId : "duplicate";
    await bridge.sandbox.postEvent(`${bridge.url}/webhooks/highlevel`, { type, locationId, id, phone: from });
    expect(await write(from, "agent-7", contactId)).toEqual([numbers.oldest, "last"]);
    expect(await write(from, "agent-7", "duplicate")).toEqual([numbers.oldest, "last"]);
  },
);

test("to somebody who wrote last in a chat: by that chat what is of its type or of none, by a number what goes to a number", async () => {
  const phone = "+15005550310";
  for (const name of ["IG", "chat"] as const) await say("id:u-1", chats[name], ids[name], { phone });
  const [contact] = bridge.sandbox.contacts().filter((each) => each.phone === phone);
  const by = async (type: string) => (await send({ type, phone, contactId: contact?.id }))?.from;
  expect([await by("Custom"), await by("IG")]).toEqual([chats.chat, chats.IG]);
  expect([await by("SMS"), await by("IG")]).toEqual([numbers.standard, chats.IG]);
});

test("by what stands now for the number by which they wrote last, where that was deleted and made anew", async () => {
  const from = "+4917612345690";
  const address = "+15005550043";
  const about = { provider: "generic-sms", address, credentials: signer.sendCredentials };
  const former = await bridge.addMapping(about);
  const contactId = await say(from, address, former);
  await bridge.admin("DELETE", `/mappings/${former}`);
  expect((await write(from, "somebody", "another"))[1]).not.toBe("last");
  const anew = await bridge.addMapping(about);
  await bridge.admin("DELETE", `/mappings/${ids["german"]}`);
  expect(await write(from, "somebody", contactId)).toEqual([address, "last"]);
  await bridge.admin("DELETE", `/mappings/${anew}`);
});

test("by the number of the newest message of before, where nothing has come or gone since", async () => {
  const phone = "+33612345699";
  const of = { oldest: 2, agents: 9, standard: 5 };
  for (const [name, day] of Object.entries(of)) {
    const date = new Date(Date.UTC(2024, 0, day)).toISOString();
    const messages = [{ date, direction: "inbound", person: phone, text: `before ${day}` }];
    const { body } = await bridge.admin("POST", "/imports", { mappingId: ids[name], messages });
    await until(
      () => bridge.admin("GET", `/imports/${body.id}`),
      (answer) => answer.body.state === "done",
    );
  }
  expect(await write(phone)).toEqual([numbers.agents, "last"]);
});

test("an agent's number is taken away again", async () => {
  const { status, body } = await bridge.admin("PATCH", `/mappings/${ids["agents"]}`, { userIds: null });
  expect([status, body.userIds]).toEqual([200, null]);
  expect((await write("+33612345670", "agent-7"))[1]).toBe("default");
});
