import { afterAll, beforeAll, expect, test } from "vitest";
import { locationId } from "../../support/location.ts";
import { startTwoWay, type TwoWay } from "../../support/two-way.ts";
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
  const last = { ...sentLike, reference: undefined, from: way.address, to: [contact.phone ?? ""] };
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

const sentLike = {
  cc: [],
  bcc: [],
  id: "x",
  text: "",
  html: undefined,
  subject: undefined,
  media: [],
  headers: {},
  receiptUrl: undefined,
};
