import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer } from "../../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge } from "../../support/bridge.ts";
import { locationId, publicUrl, smsProviderId, token } from "../../support/location.ts";
import { until } from "../../support/until.ts";

/** A number that goes to another location brings along who is not to be written to by it. */
let bridge: TestBridge;
const elsewhere = "location-elsewhere";
const third = "location-third";
beforeAll(async () => {
  bridge = await startTestBridge();
  const providers = [{ id: smsProviderId, channel: "sms", extra: true } as const];
  bridge.sandbox.putLocation({ id: locationId, token, providers });
  for (const id of [elsewhere, third]) {
    bridge.sandbox.putLocation({ id, token: `token-${id}`, providers });
    await bridge.admin("PUT", `/locations/${id}`, { token: `token-${id}` });
  }
});
afterAll(() => bridge.stop());

let counter = 0;
const newNumber = () => `+1500555${4000 + ++counter}`;
/** A number of an account that serves both locations. */
async function addNumber(type?: string): Promise<{ mappingId: string; accountId: string; address: string }> {
  const locationIds = [locationId, elsewhere, third];
  const account = { provider: "generic-sms", credentials: signer.credentials, locationIds };
  const { body } = await bridge.admin("POST", "/accounts?check=false", account);
  const address = newNumber();
  const mappingId = await bridge.addMapping({ accountId: body.id, address, type });
  return { mappingId, accountId: body.id, address };
}
async function say(accountId: string, to: string, from: string, text: string): Promise<void> {
  const sample = {
    contentType: "application/json",
    body: { type: "message.received", data: { id: `m-${++counter}`, from, to, text } },
  };
  const url = `${publicUrl}/webhooks/${accountId}`;
  expect((await bridge.post(signer.sign(sample, { url, at: new Date() }))).status).toBe(200);
}
const optOutsAt = async (place: string, address: string, more = "") =>
  (await bridge.admin("GET", `/opt-outs?locationId=${place}&address=${encodeURIComponent(address)}${more}`)).body.items;
const untilOptedOut = (place: string, address: string, count = 1) =>
  until(
    () => optOutsAt(place, address),
    (items) => items.length === count,
  );
const moveTo = async (mappingId: string, place: string): Promise<string> =>
  (await bridge.admin("PATCH", `/mappings/${mappingId}`, { locationId: place })).body.id;

test("who has texted STOP to a number stays opted out of it where it goes, since then and for that reason, until a START", async () => {
  const { mappingId, accountId, address } = await addNumber();
  const person = newNumber();
  await say(accountId, address, person, "STOP");
  const [before] = await untilOptedOut(locationId, person);
  await moveTo(mappingId, elsewhere);
  const [after] = await optOutsAt(elsewhere, person);
  expect(after).toMatchObject({ cause: "word", detail: "stop", optedOutAt: before.optedOutAt, messageId: null });
  await say(accountId, address, person, "Hello?");
  const contact = await until(
    () => bridge.sandbox.contacts().find((each) => each.phone === person && each.locationId === elsewhere),
    (found) => found?.dndSettings?.["SMS"]?.status === "active",
  );
  expect(contact?.dndSettings?.["SMS"]?.message).toContain("the person has texted STOP on");
  await say(accountId, address, person, "START");
  await until(
    () => optOutsAt(elsewhere, person),
    (items) => items.length === 0,
  );
  expect(await optOutsAt(locationId, person)).toHaveLength(1);
});

test("a STOP to a number of type WhatsApp goes along as one for WhatsApp, too", async () => {
  const { mappingId, accountId, address } = await addNumber("WhatsApp");
  const person = newNumber();
  await say(accountId, address, person, "STOP");
  const before = await untilOptedOut(locationId, person, 2);
  await moveTo(mappingId, elsewhere);
  const shown = (items: Record<string, unknown>[]) =>
    items.map(({ channel, cause, optedOutAt }) => `${channel} ${cause} ${optedOutAt}`).toSorted();
  expect(shown(await optOutsAt(elsewhere, person))).toEqual(shown(before));
  await say(accountId, address, person, "START");
  await untilOptedOut(elsewhere, person, 0);
  expect(await optOutsAt(locationId, person)).toHaveLength(2);
});

test("who wrote to another number alone stays with that one, and so does the location's list", async () => {
  const { mappingId, accountId, address } = await addNumber();
  const staying = newNumber();
  await bridge.addMapping({ accountId, address: staying });
  const [listed, known, toTheOther] = [newNumber(), newNumber(), newNumber()];
  await say(accountId, address, known, "Hello?");
  await until(
    () => bridge.sandbox.contacts(),
    (contacts) => contacts.some(({ phone }) => phone === known),
  );
  await bridge.admin("PUT", "/opt-outs", { locationId, channel: "sms", address: known, note: "by phone" });
  await bridge.admin("PUT", "/opt-outs", { locationId, channel: "sms", address: listed, note: "by phone" });
  await say(accountId, staying, toTheOther, "STOP");
  await untilOptedOut(locationId, toTheOther);
  await moveTo(mappingId, elsewhere);
  expect(await optOutsAt(elsewhere, known), "without what was noted here").toMatchObject([
    { cause: "operator", detail: null },
  ]);
  expect(await optOutsAt(elsewhere, listed)).toEqual([]);
  expect(await optOutsAt(elsewhere, toTheOther)).toEqual([]);
});

const sayAndWait = async (
  number: { accountId: string; address: string },
  person: string,
  word: string,
  place: string,
) => {
  await say(number.accountId, number.address, person, word);
  await until(
    () => optOutsAt(place, person),
    (items) => items.length === (word === "STOP" ? 1 : 0),
  );
};

describe("the newest word of a person holds", () => {
  test("when the number comes back from where they said START", async () => {
    const number = await addNumber();
    const person = newNumber();
    await sayAndWait(number, person, "STOP", locationId);
    const moved = await moveTo(number.mappingId, elsewhere);
    await sayAndWait(number, person, "START", elsewhere);
    const back = await moveTo(moved, locationId);
    expect(await optOutsAt(locationId, person)).toEqual([]);
    expect(await optOutsAt(locationId, person, "&lifted=true")).toMatchObject([{ liftedBy: "word" }]);
    // And goes there again.
    await moveTo(back, elsewhere);
    expect(await optOutsAt(elsewhere, person)).toEqual([]);
  });

  test("also when it is a STOP again, and when the number was in a third place meanwhile", async () => {
    const number = await addNumber();
    const person = newNumber();
    await sayAndWait(number, person, "STOP", locationId);
    let id = await moveTo(number.mappingId, elsewhere);
    await sayAndWait(number, person, "START", elsewhere);
    id = await moveTo(id, third);
    expect(await optOutsAt(third, person)).toEqual([]);
    id = await moveTo(id, locationId);
    expect(await optOutsAt(locationId, person)).toEqual([]);
    await sayAndWait(number, person, "STOP", locationId);
    id = await moveTo(id, third);
    expect(await optOutsAt(third, person)).toHaveLength(1);
    await moveTo(id, elsewhere);
    expect(await optOutsAt(elsewhere, person)).toHaveLength(1);
  });

  test("and is no word on what they have said to another number", async () => {
    const number = await addNumber();
    const staying = { accountId: number.accountId, address: newNumber() };
    await bridge.addMapping(staying);
    const person = newNumber();
    await sayAndWait(number, person, "STOP", locationId);
    const moved = await moveTo(number.mappingId, elsewhere);
    await sayAndWait(number, person, "START", elsewhere);
    // To the one that has stayed: START, and STOP, which is another word than that which was carried along.
    await sayAndWait(staying, person, "START", locationId);
    await sayAndWait(staying, person, "STOP", locationId);
    await moveTo(moved, locationId);
    expect(await optOutsAt(locationId, person)).toHaveLength(1);
  });
});

test("a number that was deleted and is mapped again elsewhere in its account brings them along as well", async () => {
  const { mappingId, accountId, address } = await addNumber();
  const person = newNumber();
  await say(accountId, address, person, "STOP");
  await untilOptedOut(locationId, person);
  await bridge.admin("DELETE", `/mappings/${mappingId}`);
  await bridge.addMapping({ accountId, address, locationId: elsewhere });
  expect(await optOutsAt(elsewhere, person)).toHaveLength(1);
});

test("another account with the same number learns nothing of them", async () => {
  const { accountId, address } = await addNumber();
  const person = newNumber();
  await say(accountId, address, person, "STOP");
  await untilOptedOut(locationId, person);
  await bridge.addMapping({
    ...{ provider: "generic-sms", credentials: signer.credentials, address, locationId: elsewhere },
  });
  expect(await optOutsAt(elsewhere, person)).toEqual([]);
});

test("a STOP that came before the move and is taken in after it counts in both locations", async () => {
  const { mappingId, accountId, address } = await addNumber();
  const person = newNumber();
  await bridge.halt();
  await bridge.restart({ run: "web" });
  await say(accountId, address, person, "STOP");
  await moveTo(mappingId, elsewhere);
  await bridge.restart({ run: "all" });
  await untilOptedOut(locationId, person);
  expect(await optOutsAt(elsewhere, person)).toHaveLength(1);
});
