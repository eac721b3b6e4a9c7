import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl, token } from "../support/location.ts";
import { createStandIn } from "../support/stand-ins/from-fixtures.ts";
import { serveStandIns } from "../support/stand-ins/serve.ts";
import type { StandIn } from "../support/stand-ins/stand-in.ts";
import { until } from "../support/until.ts";

/** People whom a chat knows by ids, both ways. */
let bridge: TestBridge;
let standIn: StandIn;
let stopStandIns: () => Promise<void>;
let mappingId: string;
let providers: Parameters<TestBridge["sandbox"]["putLocation"]>[0]["providers"];
const page = "id:page-1";
const types = ["WhatsApp", "GMB", "IG", "FB", "WebChat", "Live_Chat"] as const;
const providerOf = (type: string) => `provider-${type}`;
beforeAll(async () => {
  standIn = createStandIn("generic-sms", page);
  const served = await serveStandIns([standIn]);
  stopStandIns = served.stop;
  bridge = await startTestBridge({ config: { providersUrl: served.url } });
  mappingId = await addChat(page, "provider-chat");
  const chats = await Promise.all(
    types.map(async (type) => ({
      ...{ id: providerOf(type), channel: "sms" as const, extra: true, takes: type },
      deliveryUrl: urlOf(await addChat(`id:${type}`, providerOf(type), type)),
    })),
  );
  const chat = { id: "provider-chat", channel: "sms", extra: true, deliveryUrl: urlOf(mappingId) } as const;
  providers = [chat, ...chats];
  bridge.sandbox.putLocation({ id: locationId, token, providers });
});
afterAll(async () => {
  await bridge.stop();
  await stopStandIns();
});

const urlOf = (id: string) => `${bridge.url}/webhooks/highlevel/${id}`;
const addChat = (address: string, conversationProviderId: string, type?: string) =>
  bridge.addMapping({
    ...{ provider: "generic-sms", credentials: signer.sendCredentials, address, conversationProviderId, type },
  });
let counter = 0;
async function say(from: string, data: Record<string, unknown> = {}, to = page, id = mappingId): Promise<void> {
  const message = { id: `m-${++counter}`, from, to, text: "Hello", ...data };
  const sample = { contentType: "application/json", body: { type: "message.received", data: message } };
  const posted = await bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
  expect(posted.status).toBe(200);
}
const contactNamed = (name: string) =>
  until(
    () => bridge.sandbox.contacts().find((contact) => contact.name === name),
    (found) => found !== undefined,
  ).then((found) => found as NonNullable<typeof found>);
const messagesOf = (contactId: string) => bridge.sandbox.messages().filter((each) => each.contactId === contactId);
const untilMessages = (contactId: string, count: number) =>
  until(
    () => messagesOf(contactId),
    (messages) => messages.length === count,
  );
const untilSent = (to: string) =>
  until(
    () => standIn.sent.find((message) => message.to.includes(to)),
    (found) => found !== undefined,
  );

test("somebody without a number becomes a contact by name, and is answered by the id", async () => {
  await say("id:u-1", { contact: { name: "Ann Example" } });
  const { id } = await contactNamed("Ann Example");
  await untilMessages(id, 1);
  bridge.sandbox.sendAsAgent(id, { providerId: "provider-chat", message: "Hi Ann" });
  expect(await untilSent("id:u-1")).toMatchObject({ from: page, to: ["id:u-1"], text: "Hi Ann" });
  await say("id:u-1", { text: "Thanks", contact: { name: "Somebody else" } });
  const messages = await untilMessages(id, 3);
  expect(messages.map(({ body, direction }) => [body, direction])).toEqual([
    ["Hello", "inbound"],
    ["Hi Ann", "outbound"],
    ["Thanks", "inbound"],
  ]);
});

test("who writes by two ids is answered by the one that they wrote by last", async () => {
  const contact = { name: "Two ids", phone: "+15005550211" };
  await say("id:two a", { contact });
  const { id } = await contactNamed("Two ids");
  await untilMessages(id, 1);
  await say("id:two-b", { contact });
  await untilMessages(id, 2);
  await say("id:two a", { text: "Here again" });
  await untilMessages(id, 3);
  bridge.sandbox.sendAsAgent(id, { providerId: "provider-chat", message: "Hi" });
  expect(await untilSent("id:two a")).toMatchObject({ text: "Hi" });
});

test("one of whom nothing is told has the id for a name", async () => {
  await say("id:u-2");
  await untilMessages((await contactNamed("u-2")).id, 1);
});

test("the contact is found by HighLevel's id, by the number, then by the mailbox, and not made again", async () => {
  const known = bridge.sandbox.addContact({ locationId, phone: "+15005550201", name: "By phone" });
  const mailed = bridge.sandbox.addContact({ locationId, email: "bob@example.org", name: "By mail" });
  const named = bridge.sandbox.addContact({ locationId, phone: "+15005550203", name: "By id" });
  await say("id:u-3", { contact: { phone: "+1 500 555 0201", email: "bob@example.org" } });
  await say("id:u-4", { contact: { phone: "+15005550299", email: "Bob@Example.org" } });
  await say("id:u-5", { contact: { id: named.id } });
  for (const { id } of [known, mailed, named]) await untilMessages(id, 1);
});

test("a former number of Brazil or Mexico finds the contact, and becomes one by the number of today", async () => {
  const known = bridge.sandbox.addContact({ locationId, phone: "+553188887211", name: "By the former" });
  await say("id:u-former-1", { contact: { phone: "+5531988887211" } });
  await untilMessages(known.id, 1);
  await say("id:u-former-2", { contact: { phone: "+5215512347212", name: "Of Mexico" } });
  expect((await contactNamed("Of Mexico")).phone).toBe("+525512347212");
});

test("somebody without an address is one contact, however often what comes after it fails", async () => {
  bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/", status: 500, times: 2 }]);
  await say("id:u-8", { contact: { name: "Once" } });
  await untilMessages((await contactNamed("Once")).id, 1);
  expect(bridge.sandbox.contacts().filter(({ name }) => name === "Once")).toHaveLength(1);
});

test("somebody who writes while what they wrote before is imported is one contact, made by the one or the other", async () => {
  const people = Array.from({ length: 6 }, (_, index) => `Both ${index}`);
  const contacts = () => bridge.sandbox.contacts().filter(({ name }) => name?.startsWith("Both "));
  const idOf = (name: string) => `id:${name.replace(" ", "-")}`;
  bridge.sandbox.setFaults([{ kind: "delay", path: "/contacts/", method: "POST", delayMs: 200 }]);
  const messages = people.map((name) => {
    return { date: "2024-01-31T09:30:00Z", direction: "inbound", person: idOf(name), name, text: "Before" };
  });
  const imported = bridge.admin("POST", "/imports", { mappingId, perSecond: 100, messages });
  for (const name of people) await say(idOf(name), { contact: { name } });
  await imported;
  for (const name of people) await untilMessages((await contactNamed(name)).id, 2);
  bridge.sandbox.setFaults([]);
  expect(
    contacts()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(people);
});

test("a contact that is told and is gone in HighLevel keeps no message, and the delivery says so", async () => {
  await say("id:u-10", { contact: { id: "gone-contact", name: "Ten" } });
  await untilMessages((await contactNamed("Ten")).id, 1);
  await until(
    () => bridge.admin("GET", "/deliveries?kind=post-inbound"),
    ({ body }) => JSON.stringify(body).includes("ids forgotten that HighLevel has no more"),
  );
});

test("what is told of somebody and cannot be read is left out", async () => {
  await say("id:u-6", { contact: { name: "Odd", phone: "none", email: 7 } });
  await untilMessages((await contactNamed("Odd")).id, 1);
});

test("the same id in another account is somebody else", async () => {
  const other = await addChat(page, "provider-chat-2").catch(() => undefined);
  expect(other, "the location has this address once").toBeUndefined();
  const id = await addChat("id:page-2", "provider-chat");
  await say("id:u-7", { contact: { name: "First" }, text: "STOP" });
  await say("id:u-7", { contact: { name: "Second" } }, "id:page-2", id);
  const [first, second] = [await contactNamed("First"), await contactNamed("Second")];
  await until(
    () => bridge.sandbox.contacts().find((contact) => contact.id === first.id),
    (contact) => contact?.dndSettings?.["SMS"]?.status === "active",
  );
  const { body } = await bridge.admin(
    "GET",
    `/opt-outs?address=${encodeURIComponent(`id:${mappingId.slice(0, 8)}:u-7`)}`,
  );
  expect(body.items).toHaveLength(1);
  const refused = bridge.sandbox.sendAsAgent(first.id, { providerId: "provider-chat", message: "An offer" });
  await until(
    () => bridge.sandbox.messages().find(({ messageId }) => messageId === refused.messageId),
    (message) => message?.error?.code === "opted_out",
  );
  expect(standIn.sent.filter(({ text }) => text === "An offer")).toEqual([]);
  expect(second.dndSettings?.["SMS"]).toBeUndefined();
});

test("an agent who writes to a contact that never wrote in the chat reads why it cannot go out", async () => {
  const { id } = bridge.sandbox.addContact({ locationId, name: "Stranger", phone: "+15005550207" });
  const { messageId } = bridge.sandbox.sendAsAgent(id, { providerId: "provider-chat", message: "Hello?" });
  const failed = await until(
    () => bridge.sandbox.messages().find((message) => message.messageId === messageId),
    (message) => message?.status === "failed",
  );
  expect(failed?.error?.message).toContain("has not written in this chat");
});

test("a test message to a chat is from an id, and a mapping of calls alone has, takes and sends none", async () => {
  const id = await addChat("id:page-7", "provider-chat");
  const test = (mapping: string, from: string) => bridge.admin("POST", `/mappings/${mapping}/send-test`, { from });
  expect((await test(id, "+15005550006")).body.errors?.[0]?.path).toBe("from");
  expect((await test(id, "id:tester")).status).toBe(202);
  await contactNamed("tester");
  const calls = await bridge.addMapping({
    ...{ provider: "generic-sms", credentials: signer.sendCredentials, address: "+15005550032", type: "Call" },
    ...{ callProviderId: "provider-calls", conversationProviderId: null },
  });
  const deliveryUrl = urlOf(calls);
  bridge.sandbox.putLocation({
    ...{ id: locationId, token },
    providers: [...providers, { id: "provider-of-calls", channel: "sms", extra: true, deliveryUrl }],
  });
  const { status, body } = await test(calls, "+15005550006");
  expect([status, body.detail]).toEqual([422, expect.stringContaining("calls alone")]);
  const messages = [{ date: "2024-01-31T09:30:00Z", direction: "inbound", person: "+15005550006", text: "Before" }];
  const imported = await bridge.admin("POST", "/imports", { mappingId: calls, messages });
  expect([imported.status, imported.body.detail]).toEqual([422, expect.stringContaining("calls alone")]);
  const { id: contactId } = bridge.sandbox.addContact({ locationId, phone: "+15005550212", name: "Called" });
  const asked = bridge.sandbox.sendAsAgent(contactId, { providerId: "provider-of-calls", message: "A text" });
  await until(
    () => bridge.sandbox.messages().find((message) => message.messageId === asked.messageId),
    (message) => message?.error?.message?.includes("calls alone") === true,
  );
});

test("an id on one side alone is no message", async () => {
  await say("+15005550208");
  const { body } = await until(
    () => bridge.admin("GET", `/webhooks?accountId=${mappingId}&state=failed`),
    (answer) => answer.body.items.length === 1,
  );
  expect(body.items[0].reason).toContain("has an id on one side alone");
});

describe.each(types)("a mapping of type %s", (type) => {
  test("posts as that, and sends what agents write in that channel", async () => {
    const { body } = await bridge.admin("GET", `/mappings?address=${encodeURIComponent(`id:${type}`)}`);
    const [{ id: ownId, type: kept }] = body.items;
    expect(kept).toBe(type);
    const phone = `+1500555022${types.indexOf(type)}`;
    await say(`id:${type}-1`, { contact: { name: `Of ${type}`, phone } }, `id:${type}`, ownId);
    const contact = await until(
      () => bridge.sandbox.contacts().find((each) => each.phone === phone),
      (found) => found !== undefined,
    );
    const [message] = await untilMessages(contact?.id ?? "", 1);
    expect(message?.type).toBe(type);
    bridge.sandbox.sendAsAgent(contact?.id ?? "", { providerId: providerOf(type), type, message: `By ${type}` });
    expect(await untilSent(`id:${type}-1`)).toMatchObject({ text: `By ${type}` });
  });
});

test("a type that HighLevel does not take of the provider is changed for one that it takes, and that is kept", async () => {
  const id = await addChat("id:page-3", "provider-chat", "Live_Chat");
  await say("id:u-9", { contact: { name: "Cured" } }, "id:page-3", id);
  const [message] = await untilMessages((await contactNamed("Cured")).id, 1);
  expect(message?.type).toBe("Custom");
  await until(
    async () => (await bridge.admin("GET", `/mappings/${id}`)).body.type,
    (type) => type === "Custom",
  );
});

describe("a type is refused", () => {
  const register = (more: Record<string, unknown>) =>
    bridge.admin("POST", "/mappings?check=false", {
      ...{ provider: "generic-sms", credentials: signer.credentials, locationId, address: "+15005550030", ...more },
    });

  test.each([
    ["without its provider's id", { type: "IG" }, "conversationProviderId"],
    ["of emails at a number", { type: "Email" }, "type"],
    ["of calls without a callProviderId", { type: "Call", conversationProviderId: "x" }, "callProviderId"],
    ["that nobody knows", { type: "Fax" }, "type"],
    ["of an id at a provider that knows numbers alone", { provider: "twilio", address: "id:page-1" }, "address"],
  ])("%s", async (_name, more, path) => {
    const credentials =
      "provider" in more ? { accountSid: `AC${"0".repeat(31)}1`, authToken: "x".repeat(32) } : signer.credentials;
    const { status, body } = await register({ ...more, credentials });
    expect([status, body.errors?.[0]?.path]).toEqual([422, path]);
  });

  test("and one of calls has no texts", async () => {
    const address = "+15005550031";
    const id = await bridge.addMapping({
      ...{ provider: "generic-sms", credentials: signer.credentials, address, callProviderId: "provider-calls" },
      type: "Call",
    });
    await say("+15005550209", {}, address, id);
    const { body } = await until(
      () => bridge.admin("GET", `/webhooks?accountId=${id}&state=ignored`),
      (answer) => answer.body.items.length === 1,
    );
    expect(body.items[0].reason).toContain("it has calls alone");
    for (const [path, change] of [
      ["callProviderId", { callProviderId: null }],
      ["callProviderId", { address: "id:page-8" }],
    ] as const) {
      const { status, body: refused } = await bridge.admin("PATCH", `/mappings/${id}`, change);
      expect([status, refused.errors?.[0]?.path]).toEqual([422, path]);
    }
  });
});
