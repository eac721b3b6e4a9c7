import { afterAll, beforeAll, expect, test } from "vitest";
import { locationId } from "../../support/location.ts";
import { messageBetween, startTwoWay, type TwoWay, type Way } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

let twoWay: TwoWay;
beforeAll(async () => {
  twoWay = await startTwoWay({ isEmbedded: true, config: { holdSends: true } });
});
afterAll(() => twoWay.stop());

const ready = async () => (await (await fetch(`${twoWay.bridge.url}/readyz`)).json()) as Record<string, unknown>;
const held = async () => (await twoWay.bridge.admin("GET", "/hold")).body;

test("after a start that holds sends nothing goes out to people until told, while they are heard as ever", async () => {
  const { bridge, ways } = twoWay;
  const way = ways["twilio"];
  if (!way) throw new Error("there is no way twilio");
  expect(bridge.logLines).toContainEqual(expect.objectContaining({ event: "sends.held", startedBy: "HOLD_SENDS" }));
  const contact = bridge.sandbox.addContact({ locationId, phone: "+15005552001" });
  bridge.sandbox.sendAsAgent(contact.id, { providerId: way.providerId, message: "Shall we say ten?" });
  await until(held, ({ waiting }) => waiting === 1);
  const queued = await bridge.send({ type: "SMS", contactId: contact.id, message: "Hi" }, {}, "?wait=false");
  expect(queued.status).toBe(202);
  const refused = await bridge.send({ type: "SMS", contactId: contact.id, message: "Hi" });
  expect([refused.status, refused.body.detail]).toEqual([503, expect.stringContaining("DELETE /admin/hold")]);

  // Whoever claims meanwhile passes over what is held: what a person writes after it is posted.
  const last = messageBetween(way.address, contact.phone);
  await twoWay.answer(way, last, "answer-while-held", "Hello?");
  await until(
    () => bridge.sandbox.messages().map(({ body }) => body),
    (bodies) => bodies.includes("Hello?"),
  );
  expect(way.standIn.sent).toEqual([]);
  expect(await ready()).toMatchObject({
    status: "ok",
    sendsHeldSince: expect.any(String),
    behindSeconds: 0,
    waiting: expect.arrayContaining([expect.objectContaining({ reason: "held", provider: "twilio", count: 1 })]),
  });

  expect((await bridge.admin("DELETE", "/hold")).status).toBe(204);
  await until(
    () => way.standIn.sent.map(({ text }) => text),
    (texts) => texts.includes("Shall we say ten?"),
  );
  expect(await held()).toMatchObject({ isHeld: false });
  expect(await ready()).not.toHaveProperty("sendsHeldSince");
});

test("a paused mapping keeps what comes, either way, while others go on; then all of it arrives, in order", async () => {
  const { bridge, ways } = twoWay;
  const [way, other] = [ways["twilio"], ways["telnyx"]];
  if (!way || !other) throw new Error("there is no way twilio or telnyx");
  const { mappingId } = way;
  const paused = await bridge.admin("POST", `/mappings/${mappingId}/pause`);
  expect(paused).toMatchObject({ status: 200, body: { id: mappingId, pausedAt: expect.any(String) } });
  expect((await bridge.admin("POST", `/mappings/${mappingId}/pause`)).body.pausedAt).toBe(paused.body.pausedAt);

  const person = bridge.sandbox.addContact({ locationId, phone: "+15005552002" });
  const from = (of: Way) => messageBetween(of.address, person.phone);
  const bodies = () => bridge.sandbox.messages().map(({ body }) => body ?? "");
  const texts = (of: Way) => of.standIn.sent.map(({ text }) => text ?? "");
  await twoWay.answer(way, from(way), "kept-1", "Kept: one");
  await twoWay.answer(way, from(way), "kept-2", "Kept: two");
  bridge.sandbox.sendAsAgent(person.id, { providerId: way.providerId, message: "Kept: an answer" });
  await twoWay.answer(other, from(other), "goes-on", "By the other number");
  bridge.sandbox.sendAsAgent(person.id, { providerId: other.providerId, message: "Out by the other number" });
  await until(bodies, (all) => all.includes("By the other number"));
  await until(
    () => texts(other),
    (all) => all.includes("Out by the other number"),
  );
  await until(ready, ({ waiting }) =>
    JSON.stringify(waiting).includes('"reason":"held","provider":"highlevel","count":2'),
  );
  expect(bodies().filter((text) => /^Kept: (one|two)$/.test(text))).toEqual([]);
  expect(texts(way)).not.toContain("Kept: an answer");
  expect(await ready()).toMatchObject({ status: "ok", behindSeconds: 0 });

  const resumed = await bridge.admin("POST", `/mappings/${mappingId}/resume`);
  expect(resumed).toMatchObject({ status: 200, body: { id: mappingId, pausedAt: null } });
  await until(
    () => texts(way),
    (all) => all.includes("Kept: an answer"),
  );
  await until(bodies, (all) => all.includes("Kept: two"));
  expect(bodies().filter((text) => /^Kept: (one|two)$/.test(text))).toEqual(["Kept: one", "Kept: two"]);
});

test("a paused mapping that is removed lets go what was acknowledged", async () => {
  const { bridge, ways } = twoWay;
  const way = ways["plivo"];
  if (!way) throw new Error("there is no way plivo");
  await bridge.admin("POST", `/mappings/${way.mappingId}/pause`);
  const person = bridge.sandbox.addContact({ locationId, phone: "+15005552003" });
  await twoWay.answer(way, messageBetween(way.address, person.phone), "last", "Last");
  await until(ready, ({ waiting }) => JSON.stringify(waiting).includes('"reason":"held"'));
  expect((await bridge.admin("DELETE", `/mappings/${way.mappingId}`)).status).toBe(204);
  await until(
    () => bridge.sandbox.messages().map(({ body }) => body),
    (bodies) => bodies.includes("Last"),
  );
});

test("an operator holds and lets go at any time, and a hold that goes on keeps its beginning", async () => {
  const { bridge } = twoWay;
  const begun = await bridge.admin("PUT", "/hold");
  expect(begun.body).toMatchObject({ isHeld: true, startedBy: "an operator" });
  await bridge.restart({ holdSends: true });
  expect(await held()).toMatchObject({ isHeld: true, since: begun.body.since, startedBy: "an operator" });
  await bridge.restart({ holdSends: false });
  expect(await held(), "it ends by hand alone").toMatchObject({ isHeld: true });
  await bridge.admin("DELETE", "/hold");
  expect((await bridge.admin("DELETE", "/hold")).status).toBe(204);
});
