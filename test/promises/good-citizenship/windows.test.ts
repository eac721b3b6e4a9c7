import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { locationId } from "../../support/location.ts";
import { messageBetween, startTwoWay, type TwoWay, type Way } from "../../support/two-way.ts";
import { until } from "../../support/until.ts";

let twoWay: TwoWay;
let way: Way;
let people = 0;
beforeAll(async () => {
  twoWay = await startTwoWay({ isEmbedded: true });
  way = twoWay.ways["twilio"] as Way;
});
afterAll(() => twoWay.stop());
beforeEach(() => set(open));

const open = { sendFrom: null, sendUntil: null, sendDays: null, timeZone: null, answerHours: null, dailyCap: null };
/** So many minutes from now, by the clocks of UTC. */
const clock = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
/** A window that opens in two hours, and has done so an hour ago. */
const later = () => ({ sendFrom: clock(120), sendUntil: clock(240), timeZone: "UTC" });
const now = () => ({ sendFrom: clock(-60), sendUntil: clock(60), timeZone: "UTC" });

const change = (settings: object) => twoWay.bridge.admin("PATCH", `/mappings/${way.mappingId}`, settings);
async function set(settings: object) {
  expect(await change({ ...open, ...settings })).toMatchObject({ status: 200 });
}
/** Somebody in a country of one zone. */
const newPerson = (phone = `+4366412345${++people + 10}`) => twoWay.bridge.sandbox.addContact({ locationId, phone });
const send = (contactId: string, message: string) =>
  twoWay.bridge.sandbox.sendAsAgent(contactId, { providerId: way.providerId, message });
const sent = () => way.standIn.sent.map(({ text }) => text);
const untilSent = (message: string) => until(sent, (texts) => texts.includes(message));

async function untilHeld(address: string, count = 1) {
  const list = await until(
    async () => (await twoWay.bridge.admin("GET", `/messages?address=${encodeURIComponent(address)}`)).body.items,
    (items) => items.length === count && items.some(({ open: each }: { open: Held | null }) => each?.reason),
  );
  const oldest = list.at(-1);
  const { body: whole } = await twoWay.bridge.admin("GET", `/messages/${oldest.id}`);
  const delivery = whole.deliveries.find(({ kind }: { kind: string }) => kind === "send-outbound");
  return { id: oldest.id, open: oldest.open, state: oldest.state, delivery };
}
type Held = { reason: string | null };

describe("hours in which people may be written to", () => {
  test("outside of them a message waits, in order, without an attempt, and says until when; then it goes", async () => {
    await set(later());
    const { id, phone = "" } = newPerson();
    send(id, "first");
    await untilHeld(phone);
    send(id, "second");
    const held = await untilHeld(phone, 2);
    expect(held).toMatchObject({
      state: "queued",
      open: { reason: "outside_window", attempts: 0 },
      delivery: {
        ...{ state: "pending", attempts: 0, attemptLog: [], firstAttemptedAt: null, releasedAt: null },
        heldAt: expect.any(String),
        detail: expect.stringMatching(
          /^outside the hours of the mapping: held until \d\d:\d\d( on [\d-]+)? \(Europe\/Vienna\)$/,
        ),
      },
    });
    const inMinutes = (Date.parse(held.delivery.retryAt) - Date.now()) / 60_000;
    expect(inMinutes).toBeGreaterThan(0);
    expect(sent()).not.toContain("first");
    expect(twoWay.bridge.logLines).toContainEqual(
      expect.objectContaining({ event: "delivery.held", reason: "outside_window", mappingId: way.mappingId }),
    );

    // The hours change, and hold at once.
    await set(open);
    await untilSent("second");
    expect(sent().slice(-2)).toEqual(["first", "second"]);
    const { body } = await twoWay.bridge.admin("GET", `/messages/${held.id}`);
    expect(body.deliveries[0]).toMatchObject({ state: "delivered", attempts: 1, releasedAt: expect.any(String) });
    const { steps } = (await twoWay.bridge.admin("GET", `/messages/${held.id}/story`)).body;
    expect(steps.filter(({ kind }: { kind: string }) => kind === "held")).toHaveLength(2);
  });

  test("what waits for an hour that comes later is held anew, until then", async () => {
    await set(later());
    const { id, phone = "" } = newPerson();
    send(id, "for later");
    const { delivery } = await untilHeld(phone);
    await set({ ...later(), sendFrom: clock(180) });
    await until(
      async () => (await untilHeld(phone)).delivery.retryAt,
      (retryAt) => Date.parse(retryAt) > Date.parse(delivery.retryAt) + 30 * 60_000,
    );
    expect((await untilHeld(phone)).delivery).toMatchObject({ heldAt: delivery.heldAt, attempts: 0 });
  });

  test("are those of where the number is from", async () => {
    // By the clocks of UTC it is open, and in New York that is hours away.
    await set(now());
    const { id, phone = "" } = newPerson("+12125550188");
    send(id, "to New York");
    const { delivery } = await untilHeld(phone);
    expect(delivery.detail).toMatch(/\(America\/New_York\)$/);
  });

  test("let an agent's answer pass, where the mapping says so, to who has just written", async () => {
    await set({ ...later(), answerHours: 2 });
    const written = newPerson();
    const last = messageBetween(way.address, written.phone);
    await twoWay.answer(way, last, "asks-at-night", "Are you there?");
    await until(
      () => twoWay.bridge.sandbox.messages().map(({ body }) => body),
      (bodies) => bodies.includes("Are you there?"),
    );
    send(written.id, "we are");
    await untilSent("we are");
    const { id, phone = "" } = newPerson();
    send(id, "to who has not");
    await untilHeld(phone);
  });

  test("keep nothing of a mapping that is deleted: what waits fails at once, and says why", async () => {
    const other = twoWay.ways["telnyx"] as Way;
    expect((await twoWay.bridge.admin("PATCH", `/mappings/${other.mappingId}`, later())).status).toBe(200);
    const { id, phone = "" } = newPerson();
    twoWay.bridge.sandbox.sendAsAgent(id, { providerId: other.providerId, message: "too late" });
    const held = await untilHeld(phone);
    expect((await twoWay.bridge.admin("DELETE", `/mappings/${other.mappingId}`)).status).toBe(204);
    const { body } = await until(
      () => twoWay.bridge.admin("GET", `/messages/${held.id}`),
      ({ body: { state } }) => state === "failed",
    );
    expect(body.deliveries[0]).toMatchObject({ state: "dead", reason: "misconfigured" });
  });

  test.each([
    [{ sendFrom: "09:00" }, "sendUntil", /required with sendFrom/],
    [{ sendUntil: "09:00" }, "sendFrom", /required with sendUntil/],
    [{ sendFrom: "09:00", sendUntil: "20:00" }, "timeZone", /required with sendFrom/],
    [{ sendFrom: "09:00", sendUntil: "09:00", timeZone: "UTC" }, "sendUntil", /whole day/],
    [{ sendFrom: "24:00", sendUntil: "09:00", timeZone: "UTC" }, "sendFrom", /09:00/],
    [{ sendFrom: "9:00", sendUntil: "20:00", timeZone: "UTC" }, "sendFrom", /09:00/],
    [{ sendFrom: "09:00", sendUntil: "20:00", timeZone: "Berlin" }, "timeZone", /Europe\/Berlin/],
    [{ sendDays: ["mon"] }, "sendFrom", /required with sendDays/],
    [{ answerHours: 3 }, "sendFrom", /required with answerHours/],
    [{ dailyCap: 3 }, "timeZone", /required with dailyCap/],
    [{ dailyCap: 0, timeZone: "UTC" }, "dailyCap", /./],
    [{ sendFrom: "09:00", sendUntil: "20:00", sendDays: ["someday"], timeZone: "UTC" }, "sendDays.0", /./],
  ])("are checked: %j", async (settings, path, message) => {
    const answer = await change(settings);
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ path, message: expect.stringMatching(message) }] },
    });
  });
});

describe("who says STOP while messages to them wait", () => {
  // What a mapping has sent on a day counts for all of that day.
  beforeAll(() => {
    way = twoWay.ways["plivo"] as Way;
  });
  afterAll(() => {
    way = twoWay.ways["twilio"] as Way;
  });
  test.each([
    ["for the hours", "outside_window", () => later()],
    ["for the next day", "daily_cap", () => ({ timeZone: "UTC", dailyCap: 1 })],
  ])("%s gets none of them, and all have failed at once, before that time", async (_, reason, rules) => {
    await set(rules());
    if (reason === "daily_cap") {
      send(newPerson().id, "the one of the day");
      await untilSent("the one of the day");
    }
    const { id, phone = "" } = newPerson();
    const messages = ["not wanted", "nor this", "nor this"].map((message) => send(id, message));
    const held = await untilHeld(phone, messages.length);
    expect(held.open).toMatchObject({ reason });
    await twoWay.answer(way, messageBetween(way.address, phone), `stop-${reason}`, "STOP");
    await until(
      () =>
        messages.map(({ messageId }) => twoWay.bridge.sandbox.messages().find((each) => each.messageId === messageId)),
      (found) =>
        found.every((each) => each?.status === "failed" && each.error?.message?.includes("has texted STOP on")),
    );
    const { body } = await twoWay.bridge.admin("GET", `/messages/${held.id}`);
    expect(body.deliveries[0]).toMatchObject({ state: "dead", reason: "opted_out", attempts: 1 });
    expect(sent()).not.toContain("not wanted");
  });
});

describe("a daily cap", () => {
  test("lets as many go as it says; the others wait for the next day, and another cap holds at once", async () => {
    await set({ timeZone: "UTC", dailyCap: 1 });
    const [first, second] = [newPerson(), newPerson()];
    send(first.id, "under the cap");
    await untilSent("under the cap");
    send(second.id, "over the cap");
    const { delivery, open: left } = await untilHeld(second.phone ?? "");
    expect(left).toMatchObject({ reason: "daily_cap", attempts: 0 });
    expect(delivery.detail).toMatch(/^the mapping has reached its daily cap of 1: held until 00:00 on [\d-]+ \(UTC\)$/);
    await set({ timeZone: "UTC", dailyCap: 2 });
    await untilSent("over the cap");
  });
});
