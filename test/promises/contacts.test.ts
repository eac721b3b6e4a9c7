import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";

/** Contacts stay whole, whatever becomes of them in HighLevel: nobody is doubled, and nobody's words go to somebody else. */
let bridge: TestBridge;
let mappingId: string;
const ours = "+15005550009";
beforeAll(async () => {
  bridge = await startTestBridge();
  mappingId = await bridge.addMapping({ provider: "generic-sms", address: ours, credentials: signer.credentials });
});
afterAll(() => bridge.stop());

let counter = 0;
const newNumber = () => `+1500555${5000 + ++counter}`;
async function say(from: string, data: Record<string, unknown> = {}, id = mappingId, to = ours): Promise<string> {
  const text = `words ${++counter}`;
  const body = { type: "message.received", data: { id: `m-${counter}`, from, to, text, ...data } };
  const sample = { contentType: "application/json", body };
  const posted = await bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
  expect(posted.status).toBe(200);
  return text;
}
/** Whose conversation it is in. */
const contactOf = (text: string) =>
  until(
    () => bridge.sandbox.messages().find(({ body }) => body === text),
    (message) => message !== undefined,
  ).then((message) => message?.contactId);
const add = (contact: Record<string, unknown>) => bridge.sandbox.addContact({ locationId, ...contact });
const nameOf = (id: string) => bridge.sandbox.contacts().find((contact) => contact.id === id)?.name;
async function tell(type: string, about: Record<string, unknown>): Promise<string> {
  const before = (await bridge.admin("GET", "/webhooks?source=highlevel")).body.items.length;
  await bridge.sandbox.postEvent(`${bridge.url}/webhooks/highlevel`, { type, locationId, ...about, n: ++counter });
  const { body } = await until(
    () => bridge.admin("GET", "/webhooks?source=highlevel"),
    ({ body: { items } }) => items.length > before && items[0].state !== "received",
  );
  return body.items[0].reason;
}

test("a name that is told is given to a contact that has none, and never over one", async () => {
  const [nameless, named, strange] = [newNumber(), newNumber(), newNumber()];
  const first = add({ phone: nameless });
  const second = add({ phone: named, name: "Own name" });
  await contactOf(await say(nameless, { contact: { name: "Ann" } }));
  await contactOf(await say(named, { contact: { name: "Bob" } }));
  const third = await contactOf(await say(strange, { contact: { name: "Eve" } }));
  expect([first.id, second.id, third ?? ""].map(nameOf)).toEqual(["Ann", "Own name", "Eve"]);
});

test("a name that is told only later, or by whom an agent wrote to first, is given once to a contact that has none", async () => {
  const later = newNumber();
  const first = (await contactOf(await say(later))) ?? "";
  for (const name of ["Ann", "Ann", "Bob"]) await contactOf(await say(later, { contact: { name } }));
  const written = newNumber();
  const second = add({ phone: written });
  const about = {
    type: "SMS",
    locationId,
    messageId: `hl-${written}`,
    message: "hi",
    phone: written,
    contactId: second.id,
  };
  await bridge.sandbox.postEvent(`${bridge.url}/webhooks/highlevel`, about);
  await until(
    () => bridge.admin("GET", `/messages?address=${encodeURIComponent(written)}`),
    ({ body }) => body.items.length > 0,
  );
  await contactOf(await say(written, { contact: { name: "Eve" } }));
  expect([first, second.id].map(nameOf)).toEqual(["Ann", "Eve"]);
  const read = bridge.sandbox.callCount(`/contacts/${first}`);
  await contactOf(await say(later, { contact: { name: "Ann" } }));
  expect(bridge.sandbox.callCount(`/contacts/${first}`)).toBe(read);
});

test.each([422, 403, 500])("that HighLevel answers %s to a name keeps no message", async (status) => {
  const number = newNumber();
  const { id } = add({ phone: number });
  bridge.sandbox.setFaults([{ kind: "status", path: `/contacts/${id}`, status, times: 1000 }]);
  expect(await contactOf(await say(number, { contact: { name: "Ann" } }))).toBe(id);
  bridge.sandbox.setFaults([]);
});

test("several numbers of one contact lead to one conversation, and none of them is put over another", async () => {
  const [first, second, third] = [newNumber(), newNumber(), newNumber()];
  const contact = add({ phone: first, additionalPhones: [second, third] });
  for (const number of [third, second, first]) expect(await contactOf(await say(number))).toBe(contact.id);
  expect(contact.phone).toBe(first);
  expect(
    new Set(
      bridge.sandbox
        .messages()
        .filter((each) => each.contactId === contact.id)
        .map((each) => each.conversationId),
    ).size,
  ).toBe(1);
});

test("who writes after the contact was deleted gets another one, and HighLevel is asked but for that", async () => {
  const number = newNumber();
  const first = (await contactOf(await say(number))) ?? "";
  bridge.sandbox.deleteContact(first);
  expect(await tell("ContactDelete", { id: first })).toBe("1 of its conversations here find their contact anew");
  const calls = bridge.sandbox.callCount("/conversations/messages/inbound");
  const second = await contactOf(await say(number));
  expect(second).not.toBe(first);
  expect(bridge.sandbox.callCount("/conversations/messages/inbound")).toBe(calls + 1);
});

test("who writes after a merge is in the conversation of the contact that is left", async () => {
  const number = newNumber();
  const gone = (await contactOf(await say(number))) ?? "";
  const heir = add({ phone: newNumber() });
  bridge.sandbox.mergeContact(gone, heir.id);
  await tell("ContactDelete", { id: gone });
  expect(await contactOf(await say(number))).toBe(heir.id);
});

const dndOf = (id: string) => bridge.sandbox.contacts().find((contact) => contact.id === id)?.dndSettings?.["SMS"];
const untilSet = (id: string, status = "active") =>
  until(
    () => dndOf(id),
    (dnd) => dnd?.status === status,
  );

test("DND of a contact lasts until the last of its numbers has said START", async () => {
  const [first, second] = [newNumber(), newNumber()];
  const { id } = add({ phone: first, additionalPhones: [second] });
  // A STOP is told once more where the person became known in HighLevel after it had been told.
  const untilTold = (number: string, isSo: (detail: string) => boolean) =>
    until(
      () => bridge.admin("GET", `/deliveries?kind=set-dnd&state=delivered&address=${encodeURIComponent(number)}`),
      ({ body }) => body.items.length > 0 && isSo(body.items[0].detail),
    ).then(({ body }) => body.items[0].detail);
  const isOfStop = (detail: string) => /^DND for SMS (was set|is set already)$/.test(detail);
  for (const number of [first, second]) await say(number, { text: "STOP" });
  await Promise.all([untilTold(first, isOfStop), untilTold(second, isOfStop)]);
  await say(first, { text: "START" });
  const ofStart = await untilTold(first, (detail) => !isOfStop(detail));
  expect(ofStart).toBe("DND for SMS stays: the person has opted out by another address");
  expect(dndOf(id)?.status).toBe("active");
  await say(second, { text: "START" });
  await untilSet(id, "inactive");
});

describe("an opt-out is told of the contact that is left after a merge", () => {
  /** Merges the contact of somebody who has said STOP into another one; gives the number, both ids, and that one's. */
  async function mergeOptedOut() {
    const number = newNumber();
    const gone = (await contactOf(await say(number))) ?? "";
    await say(number, { text: "STOP" });
    await untilSet(gone);
    const heir = add({ phone: newNumber() });
    bridge.sandbox.mergeContact(gone, heir.id);
    expect(dndOf(heir.id)).toBe(undefined);
    return { number, gone, heir: heir.id };
  }

  test("when HighLevel tells of that one", async () => {
    const { number, heir } = await mergeOptedOut();
    await tell("ContactUpdate", { id: heir, phone: number });
    await untilSet(heir);
  });

  test("when the person writes again", async () => {
    const { number, gone, heir } = await mergeOptedOut();
    await tell("ContactDelete", { id: gone });
    expect(await contactOf(await say(number))).toBe(heir);
    await untilSet(heir);
  });

  test("when the person writes again, and nothing was told", async () => {
    const { number, heir } = await mergeOptedOut();
    expect(await contactOf(await say(number))).toBe(heir);
    await untilSet(heir);
  });
});

test.each(["ContactCreate", "ContactUpdate"])(
  "a number that %s tells of another contact is that one's from now on",
  async (type) => {
    const number = newNumber();
    const former = await contactOf(await say(number));
    const { id } = add({ phone: number });
    expect(id).not.toBe(former);
    await tell(type, { id, phone: number });
    expect(await contactOf(await say(number))).toBe(id);
  },
);

describe.each(["hold", "ignore"])("where strangers are no contacts (%s)", (unknownSender) => {
  const address = newNumber();
  let id: string;
  beforeAll(async () => {
    id = await bridge.addMapping({ provider: "generic-sms", address, credentials: signer.credentials, unknownSender });
  });
  const sayThere = (from: string) => say(from, {}, id, address);
  const register = (number: string, contactId: string) =>
    bridge.admin("PUT", `/mappings/${id}/conversations/${encodeURIComponent(number)}`, { contactId });

  test("the contact that has the number now is put in the place of the former one, and nobody is a stranger for it", async () => {
    const number = newNumber();
    await register(number, add({ phone: newNumber() }).id);
    const present = add({ phone: number });
    await tell("ContactUpdate", { id: present.id, phone: number });
    expect(await contactOf(await sayThere(number))).toBe(present.id);
  });

  test.each([
    ["told of before the other contact", ["ContactDelete", "ContactUpdate"]],
    ["told of after the other contact", ["ContactUpdate", "ContactDelete"]],
    ["told of alone", ["ContactDelete"]],
    ["told of by nothing but HighLevel's refusal", []],
  ])("a merge that is %s makes nobody a stranger", async (_how, types) => {
    const number = newNumber();
    const gone = add({ phone: number });
    await register(number, gone.id);
    expect(await contactOf(await sayThere(number))).toBe(gone.id);
    const heir = add({ phone: newNumber() });
    bridge.sandbox.mergeContact(gone.id, heir.id);
    const events: Record<string, object> = {
      ContactDelete: { id: gone.id },
      ContactUpdate: { id: heir.id, phone: number },
    };
    for (const type of types) await tell(type, { ...events[type] });
    bridge.sandbox.setFaults([{ kind: "status", path: "/contacts/search/duplicate", status: 503, times: 1 }]);
    expect(await contactOf(await sayThere(number))).toBe(heir.id);
  });

  test("who is a contact no more is a stranger again", async () => {
    const number = newNumber();
    const gone = add({ phone: number });
    await register(number, gone.id);
    await contactOf(await sayThere(number));
    bridge.sandbox.deleteContact(gone.id);
    await tell("ContactDelete", { id: gone.id });
    await sayThere(number);
    const { body } = await until(
      () => bridge.admin("GET", `/deliveries?state=dead&mappingId=${id}`),
      ({ body: { items } }) => items.length > 0,
    );
    expect(body.items).toMatchObject([{ kind: "post-inbound", reason: "unknown_sender" }]);
  });
});

test("what is told of contacts that are nobody here, or have not changed, is ignored with a reason", async () => {
  const number = newNumber();
  const id = await contactOf(await say(number));
  const reason = "a contact of which nothing changes here";
  expect(await tell("ContactUpdate", { id, phone: number, tags: ["a"] })).toBe(reason);
  expect(await tell("ContactDelete", { id: "nobody" })).toBe(reason);
  expect(await tell("ContactUpdate", { id: "x", phone: "odd", email: 7 })).toBe(reason);
  expect(await tell("ContactDelete", { locationId: "somebody-elses", id })).toBe(reason);
});

test("an email that we sent to somebody new gives them no name of ours", async () => {
  const about = {
    provider: "generic-email",
    address: "shop@example.com",
    conversationProviderId: "provider-email-extra",
  };
  const id = await bridge.addMapping({ ...about, credentials: signer.credentials });
  const sent = { id: "sent-1", from: "Shop <shop@example.com>", to: "new@example.org", subject: "Offer", text: "ours" };
  const sample = { contentType: "application/json", body: { type: "message.sent", data: sent } };
  await bridge.post(signer.sign(sample, { url: `${publicUrl}/webhooks/${id}`, at: new Date() }));
  const { body } = await until(
    () => bridge.admin("GET", "/messages?address=new@example.org"),
    (answer) => answer.body.items[0]?.highlevelMessageId,
  );
  expect(body.items[0].direction).toBe("outbound");
  expect(bridge.sandbox.contacts().find(({ email }) => email === "new@example.org")).not.toHaveProperty("name", "Shop");
});
