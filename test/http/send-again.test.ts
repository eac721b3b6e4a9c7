import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId } from "../support/location.ts";
import { until } from "../support/until.ts";

/** What is asked for again under its Idempotency-Key, with and without waiting for it. */
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge();
});
afterAll(() => bridge.stop());

let counter = 0;
function newSend() {
  const contact = bridge.sandbox.addContact({ locationId, phone: `+1500555${String(4000 + ++counter)}` });
  const body = { type: "SMS", contactId: contact.id, message: `words ${counter}` };
  const headers = { "idempotency-key": `again-${counter}` };
  const has = () => bridge.sandbox.messages().filter(({ contactId }) => contactId === contact.id);
  return { has, send: (query = "") => bridge.send(body, headers, query) };
}
const refuse = () =>
  bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages", status: 400, times: 1 }]);
const untilState = (id: number, state: string) =>
  until(
    () => bridge.sent(id),
    (answer) => answer.body.state === state,
  );

test.each(["", "?wait=false"])(
  "what was given up and asked for again%s is not sent once more by a replay",
  async (query) => {
    const { has, send } = newSend();
    refuse();
    const { id } = (await send("?wait=false")).body;
    await untilState(id, "failed");
    const { body: failed } = await bridge.admin("GET", `/messages/${id}`);
    expect((await send(query)).body.id).toBe(id);
    await untilState(id, "sent");
    const replayed = await bridge.admin("POST", `/deliveries/${failed.deliveries[0].id}/replay`);
    expect(replayed.status).toBe(409);
    expect(has()).toHaveLength(1);
    const told = await bridge.admin("GET", `/messages/${id}`);
    expect(told.body.deliveries[0]).toMatchObject({ state: "discarded", note: expect.stringContaining("again") });
  },
);

test("what somebody waits for is not told to be queued", async () => {
  const { has, send } = newSend();
  const newest = async () => (await bridge.admin("GET", "/messages?limit=1")).body.items[0].id;
  const before = await newest();
  bridge.sandbox.setFaults([{ kind: "delay", path: "/conversations/messages", delayMs: 3000, times: 1 }]);
  const waited = send();
  await until(newest, (id) => id !== before);
  expect(await send("?wait=false")).toMatchObject({
    ...{ status: 409, body: { detail: expect.stringMatching(/has not come to its end/) } },
  });
  expect((await waited).status).toBe(200);
  expect((await send("?wait=false")).status).toBe(200);
  expect(has()).toHaveLength(1);
});
