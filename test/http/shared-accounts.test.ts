import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signer as mailgun } from "../fixtures/mailgun/sign.ts";
import { signer as telnyx } from "../fixtures/telnyx/sign.ts";
import { type Answer, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";

/** What numbers and mailboxes of one account must not do to each other. */

const second = "location-2";
let bridge: TestBridge;

beforeAll(async () => {
  bridge = await startTestBridge();
  const providers = [
    { id: smsProviderId, channel: "sms" as const, extra: true },
    { id: "provider-email-default", channel: "email" as const, extra: false },
  ];
  bridge.sandbox.putLocation({ id: second, token: "token-2", providers });
  await bridge.admin("PUT", `/locations/${second}`, { name: "Second", token: "token-2" });
});
afterAll(() => bridge.stop());

let lastNumber = 1000;
const newNumber = () => `+1500556${++lastNumber}`;
const sms = { conversationProviderId: smsProviderId };

async function makeAccount(given: Record<string, unknown> = {}): Promise<string> {
  const account = { provider: "telnyx", credentials: telnyx.sendCredentials, locationIds: [locationId, second] };
  const made = await bridge.admin("POST", "/accounts", { ...account, ...given });
  expect(made.status).toBe(201);
  return made.body.id;
}

async function keyFor(...locationIds: string[]) {
  const made = await bridge.admin("POST", "/keys", { name: "integrator", access: "write", locationIds });
  return async (method: string, path: string, body?: unknown, contentType = "application/json") => {
    const headers = { authorization: `Bearer ${made.body.key}`, "content-type": contentType };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await fetch(`${bridge.url}/admin${path}`, { method, headers, ...(text ? { body: text } : {}) });
    return { status: answer.status, body: answer.status === 204 ? {} : ((await answer.json()) as Answer["body"]) };
  };
}

async function text(accountId: string, to: string, id: string = randomUUID()): Promise<string> {
  const payload = {
    ...{ record_type: "message", direction: "inbound", id, type: "SMS", text: `to ${to}`, media: [], cc: [] },
    ...{ from: { phone_number: "+15005550006" }, to: [{ phone_number: to, status: "webhook_delivered" }] },
  };
  const body = { data: { record_type: "event", id: randomUUID(), event_type: "message.received", payload } };
  const signed = telnyx.sign(
    { contentType: "application/json", body },
    { url: `${publicUrl}/webhooks/${accountId}`, at: new Date() },
  );
  expect((await bridge.post(signed)).status).toBe(200);
  return id;
}

async function mail(accountId: string, to: string, envelope = to): Promise<string> {
  const { id, signed } = signMail(accountId, to, envelope);
  expect((await bridge.post(signed)).status).toBe(200);
  return id;
}

function signMail(accountId: string, to: string, envelope = to) {
  const id = `${randomUUID()}@example.org`;
  const headers = [
    ["From", "Bob <bob@example.org>"],
    ["To", to],
    ["Message-Id", `<${id}>`],
  ];
  const body = {
    ...{ recipient: envelope, sender: "bob@example.org", from: "Bob <bob@example.org>", subject: "Hello" },
    ...{ "message-headers": JSON.stringify(headers), "body-plain": "Hello" },
  };
  const sample = { contentType: "application/x-www-form-urlencoded", body };
  return { id, signed: mailgun.sign(sample, { url: `${publicUrl}/webhooks/${accountId}`, at: new Date() }) };
}

/** What the account has received, newest first, once all of it is processed. */
const webhooksOf = (accountId: string, count: number) =>
  until(
    async () => (await bridge.admin("GET", `/webhooks?accountId=${accountId}`)).body.items,
    (items: Answer["body"][]) => items.length === count && items.every(({ state }) => state !== "received"),
  );
/** By which mappings a message came in. */
async function mappingsOf(providerMessageId: string): Promise<string[]> {
  const { items } = (await bridge.admin("GET", "/messages?limit=100")).body;
  return items.flatMap((each: Answer["body"]) => (each.providerMessageId === providerMessageId ? each.mappingId : []));
}
async function map(given: Record<string, unknown>): Promise<string> {
  const made = await bridge.admin("POST", "/mappings", { locationId, ...sms, ...given });
  expect([made.status, made.body]).toMatchObject([201, { id: expect.any(String) }]);
  return made.body.id;
}

test("an import takes no number that the account has mapped for somebody else", async () => {
  const accountId = await makeAccount();
  const address = newNumber();
  const theirs = await bridge.admin("POST", "/mappings", { accountId, address, locationId: second, ...sms });
  const integrator = await keyFor(locationId);
  const mappings = [{ address, locationId, ...sms }];
  const taken = await integrator("POST", "/mappings/import", { accountId, mappings });
  expect(taken).toMatchObject({ status: 422, body: { errors: [{ path: "line 1: address" }] } });
  expect(taken.body.errors[0].message).not.toContain(theirs.body.id);
  const alone = await integrator("POST", "/mappings", { accountId, address, locationId, ...sms });
  expect(alone.status).toBe(409);
  for (const refused of [taken, alone])
    expect(JSON.stringify(refused.body), "that somebody has it is nobody else's business").not.toMatch(
      new RegExp(`${theirs.body.id}|${second}|another|already|location`),
    );
  expect(await bridge.admin("GET", `/mappings/${theirs.body.id}`)).toMatchObject({ body: { locationId: second } });
  const both = await keyFor(locationId, second);
  expect(await both("POST", "/mappings/import", { accountId, mappings })).toMatchObject({ body: { updated: 1 } });
});

test("a mapping of the operator's account gets no other number by an integrator's key", async () => {
  const accountId = await makeAccount({ locationIds: [] });
  const mapping = { accountId, address: newNumber(), locationId, ...sms };
  const made = await bridge.admin("POST", "/mappings", mapping);
  const integrator = await keyFor(locationId);
  const path = `/mappings/${made.body.id}`;
  expect((await integrator("PATCH", path, { address: newNumber() })).status).toBe(404);
  expect((await integrator("PATCH", path, { name: "Front desk", address: mapping.address })).status).toBe(200);
});

test("an integrator whose number was moved away gets it back by no import", async () => {
  const accountId = await makeAccount();
  const address = newNumber();
  const id = await map({ accountId, address });
  const moved = await bridge.admin("PATCH", `/mappings/${id}`, { locationId: second });
  const integrator = await keyFor(locationId);
  const taken = await integrator(
    "POST",
    `/mappings/import?accountId=${accountId}`,
    `address,locationId\n${address},${locationId}`,
    "text/csv",
  );
  expect(taken.status).toBe(422);
  const [one, two] = [await keyFor(locationId), await keyFor(second)];
  expect((await two("GET", `/mappings/${id}/conversations`)).status).toBe(404);
  expect((await one("GET", `/mappings/${moved.body.id}/conversations`)).status).toBe(404);
});

test("a text that the provider posts again after a move is not posted to the new location as well", async () => {
  const accountId = await makeAccount();
  const address = newNumber();
  const id = await map({ accountId, address });
  const repeated = await text(accountId, address);
  await webhooksOf(accountId, 1);
  const moved = await bridge.admin("PATCH", `/mappings/${id}`, { locationId: second });
  await text(accountId, address, repeated);
  const fresh = await text(accountId, address);
  await webhooksOf(accountId, 3);
  expect([await mappingsOf(repeated), await mappingsOf(fresh)]).toEqual([[id], [moved.body.id]]);
});

test("an account that came along with a mapping goes with the last one in it, also after a move", async () => {
  const address = newNumber();
  const id = await map({ provider: "telnyx", credentials: telnyx.credentials, address });
  const moved = await bridge.admin("PATCH", `/mappings/${id}`, { locationId: second });
  expect((await bridge.admin("DELETE", `/mappings/${moved.body.id}`)).status).toBe(204);
  expect((await bridge.admin("GET", `/accounts/${id}`)).status).toBe(404);
  await text(id, address);
  expect(await webhooksOf(id, 1)).toMatchObject([{ state: "failed" }]);
});

const mailAccount = (locationIds = [locationId, second]) =>
  makeAccount({ provider: "mailgun", credentials: mailgun.credentials, locationIds });
const email = { conversationProviderId: null };

test("mail for a mailbox that nobody mapped is not for the only one of a shared account", async () => {
  const accountId = await mailAccount();
  await map({ accountId, address: "support@one.example", ...email });
  const id = await mail(accountId, "sales@two.example");
  expect(await webhooksOf(accountId, 1)).toMatchObject([{ state: "failed" }]);
  const theirs = await map({ accountId, address: "sales@two.example", locationId: second, ...email });
  await until(
    () => mappingsOf(id),
    (found) => found.length > 0,
  );
  expect(await mappingsOf(id)).toEqual([theirs]);
});

test("mail for a mailbox that was deleted is not for the one that is left", async () => {
  const credentials = mailgun.credentials;
  const accountId = await map({ provider: "mailgun", credentials, address: "support@three.example", ...email });
  const aliased = await mail(accountId, "anything@alias.example");
  await webhooksOf(accountId, 1);
  const other = await map({ accountId, address: "sales@three.example", locationId: second, ...email });
  expect((await bridge.admin("DELETE", `/mappings/${other}`)).status).toBe(204);
  const late = await mail(accountId, "sales@three.example");
  expect((await webhooksOf(accountId, 2))[0]).toMatchObject({ state: "failed" });
  expect([await mappingsOf(aliased), await mappingsOf(late)]).toEqual([[accountId], []]);
});

test("forwarded mail is delivered by itself once the mailbox that To names is mapped", async () => {
  const accountId = await mailAccount();
  const id = await mail(accountId, "support@four.example", "3f9@inbound.example");
  await webhooksOf(accountId, 1);
  const mapping = { accountId, address: "support@four.example", locationId, ...email };
  expect((await bridge.admin("POST", "/mappings", mapping)).body).toMatchObject({ replayed: 1 });
  await until(
    () => mappingsOf(id),
    (found) => found.length > 0,
  );
});

test("a signature that came with mail for nobody is used up, and that mail is still delivered later", async () => {
  const accountId = await mailAccount();
  const { id, signed } = signMail(accountId, "support@five.example");
  const other = Buffer.from(signed.body.toString().replaceAll(encodeURIComponent(id), "forged%40example.org"));
  expect((await bridge.post(signed)).status).toBe(200);
  await webhooksOf(accountId, 1);
  expect((await bridge.post({ ...signed, body: other })).status).toBe(200);
  expect(await webhooksOf(accountId, 2)).toMatchObject([{ state: "ignored" }, { state: "failed" }]);
  const mappingId = await map({ accountId, address: "support@five.example", ...email });
  await webhooksOf(accountId, 2);
  expect([await mappingsOf(id), await mappingsOf("forged@example.org")]).toEqual([[mappingId], []]);
});

describe("odd imports", () => {
  const post = async (body: unknown, contentType = "text/csv", query = "") => {
    const admin = await keyFor(locationId, second);
    const accountId = await makeAccount();
    const given = typeof body === "function" ? body(accountId) : body;
    const answer = await admin("POST", `/mappings/import?accountId=${accountId}${query}`, given, contentType);
    return [answer.status, answer.body.errors?.[0]?.path ?? answer.body.detail ?? answer.body.created];
  };
  const head = "address,locationId";
  const many = Array.from({ length: 2001 }, (_, n) => `+1500557${1000 + n},${locationId}`);
  test.each([
    ["a BOM, quotes and empty lines", `\ufeff"address","locationId"\r\n\r\n"+15005570001","${locationId}"\r\n`, 200, 1],
    ["a wrong header", `number,locationId\n+15005570001,${locationId}`, 422, "line 2: address"],
    ["__proto__ as a name", `${head},__proto__\n+15005570001,${locationId},x`, 422, "line 2"],
    ["a column twice", `${head},address\n+15005570001,${locationId},+15005570002`, 422, /column address/],
    ["2,001 rows", [head, ...many].join("\n"), 422, /more than 2000/],
    ["a NUL", `${head},name\n+15005570001,${locationId},a\0b`, 422, /U\+0000/],
    ["no rows", head, 422, /no rows/],
    ["nothing", " ", 422, /no rows/],
    ["a ragged row", `${head}\n+15005570001`, 422, /no CSV/],
    ["an open quote", `${head}\n"+15005570001,${locationId}`, 422, /no CSV/],
    ["a flag in capitals", `${head},listUnsubscribe\n+15005570003,${locationId},FALSE`, 200, 1],
    [
      "a mailbox's flag for a number",
      `${head},listUnsubscribe\n+15005570004,${locationId},true`,
      422,
      "line 2: listUnsubscribe",
    ],
    ["constructor as a flag", `${head},isDefault\n+15005570001,${locationId},constructor`, 422, "line 2: isDefault"],
  ])("%s", async (_name, csv, status, what) => {
    const [answered, told] = await post(csv);
    expect(answered).toBe(status);
    if (what instanceof RegExp) expect(String(told)).toMatch(what);
    else expect(told).toBe(what);
  });

  test.each([
    ["rows that are no objects", [null, 5, "x", []]],
    ["__proto__ in a row", [JSON.parse(`{"address":"+15005570001","locationId":"${locationId}","__proto__":{"a":1}}`)]],
  ])("%s", async (_name, mappings) => {
    const [status] = await post((accountId: string) => ({ accountId, mappings }), "application/json");
    expect(status).toBe(422);
  });
});

test("two imports of the same numbers at once, in two orders, end well", async () => {
  const accountId = await makeAccount();
  const mappings = Array.from({ length: 60 }, () => ({ address: newNumber(), locationId, ...sms }));
  const both = await Promise.all([
    bridge.admin("POST", "/mappings/import", { accountId, mappings }),
    bridge.admin("POST", "/mappings/import", { accountId, mappings: mappings.toReversed() }),
  ]);
  expect(both.map(({ body }) => [body.created, body.updated]).sort()).toEqual([
    [0, 60],
    [60, 0],
  ]);
  const { items } = (await bridge.admin("GET", `/mappings?accountId=${accountId}&limit=100`)).body;
  expect(items).toHaveLength(60);
});
