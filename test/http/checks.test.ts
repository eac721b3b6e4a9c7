import express from "express";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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
