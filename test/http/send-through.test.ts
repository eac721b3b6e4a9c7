import { afterAll, beforeAll, expect, test } from "vitest";
import { locationId } from "../support/location.ts";
import { makeFaulty, type SendFault } from "../support/stand-ins/faulty.ts";
import { startTwoWay, type TwoWay, type Way } from "../support/two-way.ts";
import { until } from "../support/until.ts";

let twoWay: TwoWay;
let faults: SendFault[] = [];
beforeAll(async () => {
  twoWay = await startTwoWay({ wrap: (standIn) => makeFaulty(standIn, { draw: () => faults.shift() }) });
});
afterAll(() => twoWay.stop());

/** Has HighLevel send by a mapping of ours, and gives the id of the send route. */
async function sendBy(way: Way): Promise<number> {
  const contact = twoWay.bridge.sandbox.addContact({ locationId, phone: "+15005550006", email: "a@example.org" });
  const content = way.channel === "sms" ? { type: "SMS", message: "Hi" } : { type: "Email", html: "Hi", subject: "Hi" };
  const send = { locationId, contactId: contact.id, conversationProviderId: way.providerId, ...content };
  const { status, body } = await twoWay.bridge.send(send);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.id;
}

const untilState = (id: number, state: string) =>
  until(
    async () => (await twoWay.bridge.sent(id)).body,
    (sent) => sent.state === state && sent.through !== undefined,
  );

test.each(["twilio", "postmark"])(
  "an integrator sees that %s refused what HighLevel had taken, and why",
  async (name) => {
    const way = twoWay.ways[name] as Way;
    faults = [{ kind: "refused" }];
    const sent = await untilState(await sendBy(way), "failed");
    expect(sent.through).toMatchObject({ mappingId: way.mappingId, state: "failed", messageId: expect.any(Number) });
    const { body: carrying } = await twoWay.bridge.admin("GET", `/messages/${sent.through.messageId}`);
    expect(sent.error).toEqual(carrying.error);
    expect(sent.error.message).not.toBe("");
  },
);

test("an integrator sees that it was delivered, and that what took another way stays sent", async () => {
  const way = twoWay.ways["twilio"] as Way;
  const id = await sendBy(way);
  const message = await until(
    () => way.standIn.sent.at(-1),
    (sent) => sent !== undefined,
  );
  if (!message) return expect.unreachable("nothing was sent");
  await twoWay.tell(way, message, "delivered");
  expect(await untilState(id, "delivered")).toMatchObject({ id, error: null });

  const contact = twoWay.bridge.sandbox.addContact({ locationId, phone: "+15005550007" });
  const other = await twoWay.bridge.send({ locationId, contactId: contact.id, type: "SMS", message: "Hi" });
  const { body } = await twoWay.bridge.sent(other.body.id);
  expect(body).toMatchObject({ state: "sent" });
  expect(body).not.toHaveProperty("through");
});
