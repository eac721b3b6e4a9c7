import express from "express";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { signer } from "../fixtures/twilio/sign.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { answerChecks, type CheckFixture, checkedMappingId, readCheckFixtures } from "../support/check-fixtures.ts";
import { readFixtures } from "../support/fixtures.ts";
import { locationId, publicUrl, smsProviderId, token } from "../support/location.ts";
import { serveStandIns } from "../support/stand-ins/serve.ts";

let bridge: TestBridge;
let served: Awaited<ReturnType<typeof serveStandIns>>;
let mappingId: string;
/** What Twilio answers, by its fixture; the URL that it has is that of the test's mapping. */
let twilio: ReturnType<typeof answerChecks>;

beforeAll(async () => {
  const router = express.Router().use(async (req, res) => {
    const request = { method: "GET" as const, url: req.originalUrl, headers: {} };
    const { body } = await twilio.callApi(request).catch((error) => ({ body: { ...error.answer, isError: true } }));
    const text = JSON.stringify(body).replaceAll(checkedMappingId, mappingId);
    res
      .status("isError" in (body as object) ? 401 : 200)
      .type("json")
      .send(text);
  });
  served = await serveStandIns([{ host: "api.twilio.com", router }]);
  bridge = await startTestBridge({ config: { providersUrl: served.url } });
  const { credentials } = signer;
  mappingId = await bridge.addMapping({ provider: "twilio", address: "+15005550006", credentials });
});
beforeEach(() => {
  twilio = answerChecks(fixtureOf("all-well"));
  bridge.sandbox.setFaults([]);
});
afterAll(async () => {
  await bridge.stop();
  await served.stop();
});

function fixtureOf(name: string): CheckFixture {
  const found = readCheckFixtures("twilio").find((each) => each.name === name);
  if (!found) throw new Error(`there is no check ${name}`);
  return found.fixture;
}

/** The findings by their names, each as its state and detail. */
async function check(path: string): Promise<Record<string, [state: string, detail: string]>> {
  const { status, body } = await bridge.admin("POST", `${path}/check`);
  expect(status).toBe(200);
  const checks = body.checks as { check: string; state: string; detail: string }[];
  return Object.fromEntries(checks.map((each) => [each.check, [each.state, each.detail]]));
}
const has = (words: string) => expect.stringContaining(words);

test("a mapping that is connected rightly is found so on both sides, and that nothing has come by it yet", async () => {
  const found = await check(`/mappings/${mappingId}`);
  expect(found).toMatchObject({
    ...{ credentials: ["ok", has("active")], address: ["ok", has("+15005550006")], webhook: ["ok", has("webhookUrl")] },
    ...{ pause: ["ok", has("not paused")], token: ["ok", has("takes")], scopes: ["ok", has("may read")] },
    conversationProvider: ["ok", has(smsProviderId)],
    ...{ lastWebhook: ["warning", has("no webhook")], lastSend: ["ok", has("nothing was sent")] },
    ...{
      deadDeliveries: ["ok", has("none")],
      heldMessages: ["ok", has("none")],
      waitingDeliveries: ["ok", has("none")],
    },
  });
});

test("the first steps tell what is done and what is not yet, as far as a key reaches", async () => {
  const found = await check("/first-steps");
  expect(found).toMatchObject({
    ...{ publicUrl: ["warning", has("does not answer")], app: ["ok", has("by a token of its own")] },
    ...{ location: ["ok", has("Test is connected")], token: ["ok", has("takes")] },
    ...{ mapping: ["ok", has("+15005550006 of Twilio")], webhook: ["warning", has("no webhook")] },
    ...{ inHighlevel: ["warning", has("yet")], deliveryUrl: ["warning", has("yet")] },
    ...{ sent: ["warning", has("yet")], receipt: ["warning", has("yet")] },
  });
  const made = await bridge.admin("POST", "/keys", { name: "x", access: "read", locationIds: ["another-location"] });
  const answer = await fetch(`${bridge.url}/admin/first-steps/check`, {
    method: "POST",
    headers: { authorization: `Bearer ${made.body.key}` },
  });
  const { checks } = (await answer.json()) as { checks: { check: string; state: string }[] };
  expect(checks.filter(({ state }) => state === "ok")).toEqual([]);
  expect(JSON.stringify(checks)).not.toContain("+1500");
});

test("a webhook that came is told by its time", async () => {
  const url = `${publicUrl}/webhooks/${mappingId}`;
  const text = readFixtures("twilio").find(({ name }) => name === "text")?.fixture.request;
  if (!text) return expect.unreachable("there is no text of Twilio's");
  const sample = { ...text, body: { ...(text.body as object), To: "+15005550006" } };
  expect((await bridge.post(signer.sign(sample, { url, at: new Date() }))).status).toBe(200);
  expect(await check(`/mappings/${mappingId}`)).toMatchObject({
    lastWebhook: ["ok", has(new Date().toISOString().slice(0, 10))],
  });
});

test("the state is the worst of what was found: credentials that Twilio refuses are a failure", async () => {
  twilio = answerChecks(fixtureOf("wrong-token"));
  const { body } = await bridge.admin("POST", `/mappings/${mappingId}/check`);
  expect(body.state).toBe("failure");
  expect(body.checks[0]).toMatchObject({ check: "credentials", state: "failure", detail: has("refused") });
});

test("however many ask at once, each thing is asked once", async () => {
  const [one, other] = await Promise.all([check(`/mappings/${mappingId}`), check(`/mappings/${mappingId}`)]);
  expect(one).toEqual(other);
  expect(twilio.requests).toHaveLength(2);
});

test("a conversation provider that the location lacks is named as unknown, and one of emails as such", async () => {
  const credentials = signer.credentials;
  for (const [conversationProviderId, words] of [
    ["no-such-provider", "no conversation provider no-such-provider for SMS"],
    ["provider-email-extra", "is one for Email"],
  ]) {
    const address = conversationProviderId === "no-such-provider" ? "+15005550007" : "+15005550008";
    const id = await bridge.addMapping({ provider: "twilio", address, conversationProviderId, credentials });
    twilio = answerChecks(fixtureOf("wrong-token"));
    expect(await check(`/mappings/${id}`)).toMatchObject({ conversationProvider: ["failure", has(String(words))] });
  }
});

test.each([
  ["/conversations/search", "lacks conversations.readonly"],
  ["/conversations/messages/export", "lacks conversations/message.readonly"],
  ["/contacts/search/duplicate", "lacks contacts.readonly"],
])("a token without the scope for %s is told so, and is not taken for a wrong one", async (path, words) => {
  const body = { statusCode: 401, message: "The token is not authorized for this scope." };
  bridge.sandbox.setFaults([{ kind: "status", path, status: 401, times: 1, body }]);
  expect(await check(`/locations/${locationId}`)).toMatchObject({
    token: ["ok", has("takes")],
    scopes: ["failure", has(words)],
  });
});

test("HighLevel that is away is a warning, and pauses nothing", async () => {
  bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/search", status: 503, times: 1 }]);
  expect(await check(`/locations/${locationId}`)).toMatchObject({ token: ["warning", has("could not be asked")] });
  expect((await bridge.admin("GET", `/locations/${locationId}`)).body.paused).toBeNull();
});

test("a token that HighLevel refuses is a failure, and pauses nothing", async () => {
  bridge.sandbox.revokeToken(locationId);
  const found = await check(`/locations/${locationId}`);
  expect(found["token"]).toEqual(["failure", has("refuses the location's token")]);
  expect((await bridge.admin("GET", `/locations/${locationId}`)).body.paused).toBeNull();
  const providers = [{ id: smsProviderId, channel: "sms" as const, extra: true }];
  bridge.sandbox.putLocation({ id: locationId, token, providers });
});

test("a key for reading may check what it reaches, leaves no line of a write, and reaches nothing else", async () => {
  const { body: own } = await bridge.admin("POST", "/keys", { name: "own", access: "read", locationIds: [locationId] });
  const { body: other } = await bridge.admin("POST", "/keys", {
    name: "other",
    access: "read",
    locationIds: ["loc-x"],
  });
  const ask = async (key: string, path: string) => {
    const headers = { authorization: `Bearer ${key}` };
    return (await fetch(`${bridge.url}/admin${path}`, { method: "POST", headers })).status;
  };
  bridge.logLines.length = 0;
  expect(await ask(own.key, `/mappings/${mappingId}/check`)).toBe(200);
  expect(await ask(own.key, `/locations/${locationId}/check`)).toBe(200);
  expect(bridge.logLines.filter(({ event }) => event === "admin.wrote")).toEqual([]);
  expect(await ask(own.key, `/mappings/${mappingId}/preview`)).toBe(403);
  expect(await ask(other.key, `/mappings/${mappingId}/check`)).toBe(404);
  expect(await ask(other.key, `/locations/${locationId}/check`)).toBe(404);
  expect(await ask(own.key, "/mappings/6f9619ff-8b86-4d11-b42d-00c04fc964ff/check")).toBe(404);
});

describe("registering tells at once", () => {
  const account = { provider: "twilio", credentials: signer.credentials };
  const asGiven = (address: string, given: object = {}) => {
    return { locationId, conversationProviderId: smsProviderId, ...account, address, ...given };
  };
  const wrongIn = (body: { checks: { check: string; state: string }[] }) =>
    body.checks.map(({ check: name, state }) => [name, state]);

  test("that credentials, or the conversation provider, are wrong; not that a URL is missing that nobody could paste yet", async () => {
    twilio = answerChecks(fixtureOf("wrong-token"));
    const given = asGiven("+15005550021", { conversationProviderId: "no-such-provider" });
    const made = await bridge.admin("POST", "/mappings?check=true", given);
    expect(made.status).toBe(201);
    expect(wrongIn(made.body)).toEqual([
      ["credentials", "failure"],
      ["conversationProvider", "failure"],
    ]);
  });

  test("what a change makes wrong, and asks nobody when no connection is changed", async () => {
    const id = await bridge.addMapping(asGiven("+15005550022"));
    const path = `/mappings/${id}?check=true`;
    const named = await bridge.admin("PATCH", path, { name: "Front desk", stripQuoted: false });
    expect([named.status, named.body.checks, twilio.requests.length]).toEqual([200, undefined, 0]);
    const changed = await bridge.admin("PATCH", path, { conversationProviderId: "no-such-provider" });
    expect(wrongIn(changed.body)).toContainEqual(["conversationProvider", "failure"]);
  });

  test("what an account's provider says of its credentials, when they are given and when they are changed", async () => {
    twilio = answerChecks(fixtureOf("wrong-token"));
    const { credentials } = account;
    const made = await bridge.admin("POST", "/accounts?check=true", account);
    expect([made.status, wrongIn(made.body)]).toEqual([201, [["credentials", "failure"]]]);
    const path = `/accounts/${made.body.id}?check=true`;
    expect((await bridge.admin("PATCH", path, { name: "Main" })).body.checks).toBeUndefined();
    expect(wrongIn((await bridge.admin("PATCH", path, { credentials })).body)).toEqual([["credentials", "failure"]]);
  });

  test("by itself, unless it is told not to, and never makes it fail", async () => {
    twilio = answerChecks(fixtureOf("wrong-token"));
    const asked = await bridge.admin("POST", "/accounts?", account);
    expect([asked.status, wrongIn(asked.body)]).toEqual([201, [["credentials", "failure"]]]);
    expect((await bridge.admin("POST", "/accounts?check=false", account)).body).not.toHaveProperty("checks");
    const refused = await bridge.admin("POST", "/accounts?check=maybe", account);
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: "check" }] } });
  });
});
