import { generateKeyPairSync, sign } from "node:crypto";
import axios from "axios";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AppContext, createApp } from "../../src/http/app.ts";
import { apiOperations } from "../../src/http/openapi/document.ts";
import { patternOf } from "../../src/http/operations/calls.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { type Answer, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { requireFit } from "../support/fits-document.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";
import { routesOf } from "./route-stack.ts";

const highlevel = generateKeyPairSync("ed25519");
const nowhere = "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const otherLocation = "location-2";

let bridge: TestBridge;
/** The admin's, and integrators': of location 1, of location 1 for reading, of location 2, and of all locations. */
let keys: { own: string; reading: string; other: string; everywhere: string };
/** What there is of location 1, the ids of which the other integrator happens to know. */
let ids: Record<
  "mapping" | "message" | "replay" | "send" | "dead" | "webhook" | "failed" | "app" | "endpoint" | "import",
  string | number
>;

beforeAll(async () => {
  bridge = await startTestBridge({ config: { highlevelKeys: { ed25519: [highlevel.publicKey], rsa: [] } } });
  await bridge.admin("PUT", `/locations/${otherLocation}`, { name: "Other", token: "token-2" });
  keys = {
    own: await makeKey({ locationIds: [locationId, "location-new"], access: "write" }),
    reading: await makeKey({ locationIds: [locationId], access: "read" }),
    other: await makeKey({ locationIds: [otherLocation], access: "write" }),
    everywhere: await makeKey({ access: "write" }),
  };
  sms.contactId = bridge.sandbox.addContact({ locationId, phone: "+15005550007" }).id;
  ids = await fillLocation();
});
afterAll(() => bridge.stop());

async function makeKey(limits: Record<string, unknown>): Promise<string> {
  const made = await bridge.admin("POST", "/keys", { name: "test", ...limits });
  expect(made.status).toBe(201);
  return made.body.key;
}

/** Something of each kind: a message, one by the send route, a dead delivery, a webhook that cannot be read, one to the app. */
async function fillLocation(): Promise<typeof ids> {
  const mapping = await bridge.addMapping({ ...text("+15005550009"), unknownSender: "hold" });
  const post = (body: Record<string, unknown>) =>
    bridge.post(
      genericSms.sign(
        { contentType: "application/json", body: { type: "message.received", data: body } },
        { url: `${publicUrl}/webhooks/${mapping}`, at: new Date() },
      ),
    );
  await post({ id: "m-1", from: "+15005550006", to: "+15005550009", text: "hi" });
  await post({ id: "m-2", from: "+15005550006", to: "+15005550001", text: "to another number" });
  const event = JSON.stringify({ type: "ContactCreate", locationId, webhookId: "event-1" });
  const signature = sign(null, Buffer.from(event), highlevel.privateKey).toString("base64");
  const posted = await fetch(`${bridge.url}/webhooks/highlevel`, {
    method: "POST",
    body: event,
    headers: { "x-ghl-signature": signature, "content-type": "application/json" },
  });
  expect(posted.status).toBe(200);
  const send = await bridge.send({ ...sms, locationId }, {}, "?wait=false");
  const first = async (path: string) => {
    const found = await until(
      () => bridge.admin("GET", path),
      ({ body }) => body.items.length > 0,
    );
    return found.body.items[0];
  };
  const key = await makeKey({ locationIds: [locationId], access: "write" });
  const replay = await axios.post<{ id: number }>(
    `${bridge.url}/admin/replays`,
    { of: "deliveries", kind: "post-inbound", until: "2020-01-01T00:00:00Z" },
    { headers: { authorization: `Bearer ${key}` } },
  );
  await until(
    () => bridge.admin("GET", `/replays/${replay.data.id}`),
    ({ body }) => body.state === "done",
  );
  const messages = [{ date: "2024-01-31T09:30:00Z", direction: "inbound", person: "+15005550041", text: "hi" }];
  const past = await bridge.admin("POST", "/imports", { mappingId: mapping, dryRun: true, messages });
  const endpoint = { url: "https://127.0.0.1:1/", events: ["message.received"], locationIds: [locationId] };
  return {
    mapping,
    replay: replay.data.id,
    import: past.body.id,
    endpoint: (await bridge.admin("POST", "/endpoints", endpoint)).body.id,
    send: send.body.id,
    message: (await first(`/messages?mappingId=${mapping}`)).id,
    dead: (await first("/deliveries?state=dead")).id,
    failed: (await first("/webhooks?state=failed")).id,
    webhook: (await first("/webhooks?state=processed")).id,
    app: (await first("/webhooks?state=ignored")).id,
  };
}

const text = (address: string) => ({
  locationId,
  provider: "generic-sms",
  address,
  conversationProviderId: smsProviderId,
  credentials: genericSms.credentials,
});

/** A list is never refused: what is not for the caller is not in it. */
type Status = number | "empty";
interface Walk {
  path?: () => string;
  body?: () => unknown;
  /** What the key of the location is answered, and what another integrator's. */
  own: Status;
  other: Status;
}
const person = "+15005550006";
/** To whom no message goes: HighLevel does not know the conversation that is set for it. */
const registered = "+15005550016";
const sms = { type: "SMS", contactId: "", message: "hi" };

/** Every route behind a key, in an order in which each finds what it is about. */
const guarded: Record<string, Walk> = {
  "POST /admin/providers": { body: () => ({}), own: 403, other: 403 },
  "POST /admin/providers/preview": { body: () => ({}), own: 403, other: 403 },
  "GET /admin/providers": { own: 403, other: 403 },
  "GET /admin/providers/:name": { path: () => "/admin/providers/x-none", own: 403, other: 403 },
  "PUT /admin/providers/:name": { path: () => "/admin/providers/x-none", body: () => ({}), own: 403, other: 403 },
  "DELETE /admin/providers/:name": { path: () => "/admin/providers/x-none", own: 403, other: 403 },
  "GET /admin/status": { own: 403, other: 403 },
  "GET /admin/hold": { own: 403, other: 403 },
  "PUT /admin/hold": { own: 403, other: 403 },
  "DELETE /admin/hold": { own: 403, other: 403 },
  "GET /admin/app": { own: 403, other: 403 },
  "PUT /admin/app": { body: () => ({}), own: 403, other: 403 },
  "DELETE /admin/app": { own: 403, other: 403 },
  "POST /admin/trial": { own: 403, other: 403 },
  "POST /admin/first-steps/check": { own: 200, other: 200 },
  "POST /admin/keys": { body: () => ({ name: "x", access: "write" }), own: 403, other: 403 },
  "GET /admin/keys": { own: 403, other: 403 },
  "PATCH /admin/keys/:id": { path: () => "/admin/keys/1", body: () => ({ name: "x" }), own: 403, other: 403 },
  "DELETE /admin/keys/:id": { path: () => "/admin/keys/1", own: 403, other: 403 },
  "GET /admin/locations": { own: 200, other: 200 },
  "GET /admin/locations/:locationId": { path: () => `/admin/locations/${locationId}`, own: 200, other: 404 },
  "PUT /admin/locations/:locationId": {
    path: () => "/admin/locations/location-new",
    body: () => ({ token: "x" }),
    own: 200,
    other: 403,
  },
  "POST /admin/locations/:locationId/check": {
    path: () => `/admin/locations/${locationId}/check`,
    own: 200,
    other: 404,
  },
  "POST /admin/locations/:locationId/resume": {
    path: () => `/admin/locations/${locationId}/resume`,
    own: 200,
    other: 404,
  },
  "DELETE /admin/locations/:locationId": { path: () => "/admin/locations/location-new", own: 204, other: 404 },
  "POST /admin/accounts": {
    body: () => ({ provider: "generic-sms", credentials: genericSms.credentials, locationIds: [locationId] }),
    own: 201,
    other: 403,
  },
  "GET /admin/accounts": { own: 200, other: "empty" },
  "GET /admin/accounts/:id": { path: () => `/admin/accounts/${ids.mapping}`, own: 200, other: 404 },
  "PATCH /admin/accounts/:id": {
    path: () => `/admin/accounts/${ids.mapping}`,
    body: () => ({ name: "x" }),
    own: 200,
    other: 404,
  },
  "POST /admin/accounts/:id/check": { path: () => `/admin/accounts/${ids.mapping}/check`, own: 200, other: 404 },
  "DELETE /admin/accounts/:id": { path: () => `/admin/accounts/${ids.mapping}`, own: 409, other: 404 },
  "POST /admin/mappings/import": {
    body: () => ({ accountId: ids.mapping, mappings: [{ address: "+15005550011", locationId }] }),
    own: 200,
    other: 403,
  },
  "POST /admin/mappings": { body: () => text("+15005550010"), own: 201, other: 403 },
  "GET /admin/mappings": { own: 200, other: "empty" },
  "GET /admin/mappings/:id": { path: () => `/admin/mappings/${ids.mapping}`, own: 200, other: 404 },
  "PATCH /admin/mappings/:id": {
    path: () => `/admin/mappings/${ids.mapping}`,
    body: () => ({ name: "x" }),
    own: 200,
    other: 404,
  },
  "POST /admin/mappings/:id/check": { path: () => `/admin/mappings/${ids.mapping}/check`, own: 200, other: 404 },
  "POST /admin/mappings/:id/pause": { path: () => `/admin/mappings/${ids.mapping}/pause`, own: 200, other: 404 },
  "POST /admin/mappings/:id/resume": { path: () => `/admin/mappings/${ids.mapping}/resume`, own: 200, other: 404 },
  "POST /admin/mappings/:id/send-test": {
    path: () => `/admin/mappings/${ids.mapping}/send-test`,
    body: () => ({ from: "+15005550066" }),
    own: 202,
    other: 404,
  },
  "POST /admin/mappings/:id/preview": {
    path: () => `/admin/mappings/${ids.mapping}/preview`,
    body: () => ({
      body: { type: "message.received", data: { id: "1", from: person, to: "+15005550009", text: "x" } },
    }),
    own: 200,
    other: 404,
  },
  "POST /admin/endpoints": {
    body: () => ({ url: "https://127.0.0.1:1/", events: ["message.failed"], locationIds: [locationId] }),
    own: 201,
    other: 403,
  },
  "GET /admin/endpoints": { own: 200, other: "empty" },
  "GET /admin/endpoints/:id": { path: () => `/admin/endpoints/${ids.endpoint}`, own: 200, other: 404 },
  "PATCH /admin/endpoints/:id": {
    path: () => `/admin/endpoints/${ids.endpoint}`,
    body: () => ({ name: "x" }),
    own: 200,
    other: 404,
  },
  "POST /admin/endpoints/:id/test": { path: () => `/admin/endpoints/${ids.endpoint}/test`, own: 200, other: 404 },
  "DELETE /admin/endpoints/:id": { path: () => `/admin/endpoints/${ids.endpoint}`, own: 204, other: 404 },
  "PUT /admin/opt-outs": {
    body: () => ({ locationId, channel: "sms", address: "+15005550031" }),
    own: 200,
    other: 403,
  },
  "POST /admin/opt-outs/import": {
    body: () => ({ locationId, channel: "sms", optOuts: [{ address: "+15005550032" }] }),
    own: 200,
    other: 403,
  },
  "GET /admin/opt-outs": { own: 200, other: "empty" },
  "GET /admin/opt-outs/export": { own: 200, other: 200 },
  "DELETE /admin/opt-outs/:id": { path: () => "/admin/opt-outs/1", own: 200, other: 404 },
  "GET /admin/audit": { own: 200, other: 200 },
  "GET /admin/people/:address": { path: () => `/admin/people/${person}`, own: 200, other: 404 },
  "GET /admin/metrics": { own: 200, other: 200 },
  "GET /admin/metrics/export": { own: 200, other: 200 },
  "GET /admin/messages/export": { own: 200, other: 200 },
  "GET /admin/live": { path: () => "/admin/live?seconds=0.01", own: 200, other: 200 },
  "GET /admin/messages": { own: 200, other: "empty" },
  "GET /admin/messages/:id": { path: () => `/admin/messages/${ids.message}`, own: 200, other: 404 },
  "GET /admin/messages/:id/story": { path: () => `/admin/messages/${ids.message}/story`, own: 200, other: 404 },
  "POST /admin/replays": {
    body: () => ({ of: "deliveries", kind: "post-inbound", until: "2020-01-01T00:00:00Z" }),
    own: 201,
    other: 201,
  },
  "GET /admin/replays": { own: 200, other: 200 },
  "GET /admin/replays/:id": { path: () => `/admin/replays/${ids.replay}`, own: 200, other: 404 },
  "POST /admin/replays/:id/stop": { path: () => `/admin/replays/${ids.replay}/stop`, own: 409, other: 404 },
  "POST /admin/imports": {
    body: () => ({ mappingId: ids.mapping, messages: [{ date: "2024-01-31T09:30:00Z" }] }),
    own: 409,
    other: 404,
  },
  "POST /admin/imports/history": { body: () => ({ mappingId: ids.mapping }), own: 422, other: 404 },
  "GET /admin/imports": { own: 200, other: "empty" },
  "GET /admin/imports/:id": { path: () => `/admin/imports/${ids.import}`, own: 200, other: 404 },
  "GET /admin/imports/:id/refused": { path: () => `/admin/imports/${ids.import}/refused`, own: 200, other: 404 },
  "POST /admin/imports/:id/pause": { path: () => `/admin/imports/${ids.import}/pause`, own: 409, other: 404 },
  "POST /admin/imports/:id/stop": { path: () => `/admin/imports/${ids.import}/stop`, own: 200, other: 404 },
  "POST /admin/imports/:id/resume": { path: () => `/admin/imports/${ids.import}/resume`, own: 409, other: 404 },
  "GET /admin/overview": { own: 200, other: 200 },
  "GET /admin/search": { path: () => `/admin/search?q=${encodeURIComponent(person)}`, own: 200, other: 200 },
  "GET /admin/problems/count": { own: 200, other: 200 },
  "GET /admin/problems": { own: 200, other: "empty" },
  "GET /admin/deliveries": { own: 200, other: "empty" },
  "POST /admin/deliveries/:id/discard": {
    path: () => `/admin/deliveries/${ids.dead}/discard`,
    body: () => ({ note: "x" }),
    own: 200,
    other: 404,
  },
  "POST /admin/deliveries/:id/replay": { path: () => `/admin/deliveries/${ids.dead}/replay`, own: 409, other: 404 },
  "POST /admin/deliveries/replay": { body: () => ({ kind: "post-inbound", limit: 100 }), own: 202, other: 202 },
  "POST /admin/deliveries/discard": {
    body: () => ({ kind: "post-inbound", note: "x", dryRun: true }),
    own: 200,
    other: 200,
  },
  "GET /admin/webhooks": { own: 200, other: "empty" },
  "GET /admin/webhooks/:id": { path: () => `/admin/webhooks/${ids.webhook}`, own: 200, other: 404 },
  "POST /admin/webhooks/:id/replay": { path: () => `/admin/webhooks/${ids.failed}/replay`, own: 202, other: 404 },
  "POST /admin/webhooks/replay": { body: () => ({ source: "provider", limit: 100 }), own: 202, other: 202 },
  "POST /admin/webhooks/:id/discard": {
    path: () => `/admin/webhooks/${ids.webhook}/discard`,
    body: () => ({ note: "x" }),
    own: 409,
    other: 404,
  },
  "POST /admin/webhooks/discard": {
    body: () => ({ source: "provider", note: "x", dryRun: true }),
    own: 200,
    other: 200,
  },
  "PUT /admin/mappings/:id/conversations/:address": {
    path: () => `/admin/mappings/${ids.mapping}/conversations/${registered}`,
    body: () => ({ conversationId: "c-1" }),
    own: 200,
    other: 404,
  },
  "GET /admin/mappings/:id/conversations": {
    path: () => `/admin/mappings/${ids.mapping}/conversations`,
    own: 200,
    other: 404,
  },
  "GET /admin/mappings/:id/conversations/:address": {
    path: () => `/admin/mappings/${ids.mapping}/conversations/${registered}`,
    own: 200,
    other: 404,
  },
  "DELETE /admin/mappings/:id/conversations/:address": {
    path: () => `/admin/mappings/${ids.mapping}/conversations/${registered}`,
    own: 204,
    other: 404,
  },
  "POST /v1/messages": { body: () => ({ ...sms, locationId }), own: 200, other: 403 },
  "GET /v1/messages/:id": { path: () => `/v1/messages/${ids.send}`, own: 200, other: 404 },
  "DELETE /admin/people/:address": { path: () => `/admin/people/${person}`, own: 200, other: 200 },
  "DELETE /admin/mappings/:id": { path: () => `/admin/mappings/${ids.mapping}`, own: 204, other: 404 },
};

/** Those that need no key, and why. */
const open: Record<string, string> = {
  "POST /webhooks/highlevel": "signed by HighLevel",
  "POST /webhooks/highlevel/:mappingId": "signed by HighLevel",
  "POST /webhooks/:accountId": "verified by the mapping's credentials",
  "GET /webhooks/:accountId":
    "verified by the mapping's credentials, or answers a provider that asks with the account's secret",
  "GET /oauth/install": "a browser; HighLevel says who may install",
  "GET /oauth/callback": "a browser that has begun here",
  "GET /unsubscribe/:token": "who has got the email with that token; it changes nothing",
  "POST /unsubscribe/:token": "who has got the email with that token: the person wants no more",
  "GET /openapi.json": "the document of the API, the same for everybody",
  "GET /docs": "the same as a page",
  "GET /livez": "tells that the process answers",
  "GET /metrics": "METRICS_TOKEN alone opens it",
  "GET /readyz": "tells whether the bridge works; which locations are in trouble is for who has a key",
};

const splitRoute = (route: string) => route.split(" ") as [string, string];

async function call(route: string, authorization: string | undefined): Promise<Answer> {
  const [method, pattern] = splitRoute(route);
  const { path = () => pattern, body } = guarded[route] as Walk;
  const answer = await axios.request({
    method,
    url: `${bridge.url}${path()}`,
    headers: authorization === undefined ? {} : { authorization },
    data: body?.(),
    validateStatus: () => true,
  });
  requireFit(method, path(), { status: answer.status, body: answer.data });
  return { status: answer.status, headers: answer.headers as Record<string, string>, body: answer.data };
}

function expectStatus(answer: Answer, expected: Status, route: string): void {
  expect(answer.status, `${route} ${JSON.stringify(answer.body)}`).toBe(expected === "empty" ? 200 : expected);
  if (expected === "empty") expect(answer.body.items, route).toEqual([]);
}

test("every route is known here: one behind a key with what each key may do, an open one with the reason", () => {
  const limits = { bodyLimitBytes: { sms: 1, email: 1 }, metrics: {}, metricsTokens: ["x"], database: {} };
  const context = { adminApiKeys: ["x"], publicUrl, ...limits, stateKey: Buffer.alloc(32) };
  const routes = routesOf(createApp(context as unknown as AppContext));
  expect(routes.toSorted()).toEqual([...Object.keys(guarded), ...Object.keys(open)].sort());
  const operations = Object.values(apiOperations).map(({ method, path }) => `${method} ${patternOf(path)}`);
  expect(Object.keys(guarded).sort()).toEqual(operations.sort());
});

describe.sequential("every route behind a key", () => {
  test("answers 401 to strangers, and to keys that are none", async () => {
    for (const route of Object.keys(guarded)) {
      const none = [
        undefined,
        "",
        "Bearer",
        "Bearer cb_",
        `Bearer cb_${"x".repeat(43)}`,
        keys.own,
        `Basic ${keys.own}`,
      ];
      for (const authorization of [...none, `Bearer ${keys.own}x`, `bearer  ${keys.own}`]) {
        const answer = await call(route, authorization);
        expect(answer.status, `${route} ${authorization}`).toBe(401);
        expect(answer.headers["www-authenticate"]).toBe("Bearer");
      }
    }
  });

  test("shows another integrator nothing, and lets him change nothing", async () => {
    for (const [route, { other }] of Object.entries(guarded)) {
      const answer = await call(route, `Bearer ${keys.other}`);
      expectStatus(answer, other, route);
      expect(JSON.stringify(answer.body), route).not.toMatch(/hi"|\+15005550006|m-1/);
    }
    const listed = await call("GET /admin/locations", `Bearer ${keys.other}`);
    expect(listed.body.items.map((item: { id: string }) => item.id)).toEqual([otherLocation]);
    for (const what of ["deliveries", "webhooks"]) {
      expect((await call(`POST /admin/${what}/replay`, `Bearer ${keys.other}`)).body.replayed, what).toBe(0);
      expect((await call(`POST /admin/${what}/discard`, `Bearer ${keys.other}`)).body.count, what).toBe(0);
    }
  });

  test("answers 403 to a key for reading when it writes, and what it asks for when it reads", async () => {
    for (const [route, { own }] of Object.entries(guarded)) {
      const [method] = splitRoute(route);
      if (route === "GET /admin/mappings/:id/conversations/:address") continue; // nobody is registered yet
      const isReading = method === "GET" || route.endsWith("/check");
      expectStatus(await call(route, `Bearer ${keys.reading}`), isReading ? own : 403, route);
    }
  });

  test("is open to the key of its location", async () => {
    for (const [route, { own }] of Object.entries(guarded))
      expectStatus(await call(route, `Bearer ${keys.own}`), own, route);
  });
});

test("the audit tells who wrote what, to an integrator only what that key wrote", async () => {
  const audit = (query: string, key?: string) =>
    key === undefined
      ? bridge.admin("GET", `/audit${query}`)
      : fetch(`${bridge.url}/admin/audit${query}`, { headers: { authorization: `Bearer ${key}` } }).then(
          async (answer) => ({ body: (await answer.json()) as Answer["body"] }),
        );
  const { body } = await until(
    () => audit(`?mappingId=${ids.mapping}&limit=200`),
    (answer) => answer.body.items.length > 5,
  );
  expect(body.items).toContainEqual({
    id: expect.any(Number),
    at: expect.any(String),
    who: expect.stringMatching(/^key \d+$/),
    method: "DELETE",
    route: "/admin/mappings/:id",
    status: 204,
    isAnswered: true,
    ids: { mappingId: ids.mapping },
  });
  const whoOf = ({ items }: { items: { who: string }[] }) => new Set(items.map(({ who }) => who));
  expect(whoOf((await audit("?limit=200")).body).size).toBeGreaterThan(2);
  const own = (await audit("?limit=200", keys.other)).body;
  expect(own.items.length).toBeGreaterThan(0);
  const [who = ""] = whoOf(own);
  expect(whoOf(own)).toEqual(new Set([who]));
  expect((await audit(`?who=${encodeURIComponent(who)}`)).body.items.length).toBeGreaterThan(0);
  expect((await audit("?who=admin", keys.other)).body.items).toEqual([]);
  expect((await audit("?until=2020-01-01T00:00:00Z")).body.items).toEqual([]);
  expect(JSON.stringify(body)).not.toContain(registered);
});

describe("an integrator's key", () => {
  const by = (key: string, method: string, path: string, data?: unknown) =>
    axios
      .request({
        method,
        url: `${bridge.url}${path}`,
        data,
        headers: { authorization: `Bearer ${key}` },
        validateStatus: () => true,
      })
      .then(({ status, data: body }) => ({ status, body }));

  test("is shown once, and kept as a hash alone", async () => {
    const key = await makeKey({ access: "read", locationIds: [locationId, locationId] });
    expect(key).toMatch(/^cb_[\w-]{43}$/);
    const { body } = await bridge.admin("GET", "/keys?limit=1");
    expect(body.items[0]).toMatchObject({ name: "test", access: "read", locationIds: [locationId], revokedAt: null });
    expect(Object.keys(body.items[0]).sort()).toEqual([
      "access",
      "createdAt",
      "expiresAt",
      "id",
      "lastUsedAt",
      "locationIds",
      "name",
      "revokedAt",
    ]);
    expect(JSON.stringify(body)).not.toContain(key);
  });

  test("opens nothing any more as soon as it is revoked", async () => {
    const key = await makeKey({ access: "write" });
    expect((await by(key, "GET", "/admin/locations")).status).toBe(200);
    const [{ id }] = (await bridge.admin("GET", "/keys?limit=1")).body.items;
    expect((await bridge.admin("DELETE", `/keys/${id}`)).status).toBe(204);
    expect((await by(key, "GET", "/admin/locations")).status).toBe(401);
    expect((await bridge.admin("DELETE", `/keys/${id}`)).status).toBe(404);
  });

  test("tells when it was used last, gets other locations, and ends when it is set to", async () => {
    const key = await makeKey({ access: "read", locationIds: [locationId] });
    const newest = async () => (await bridge.admin("GET", "/keys?limit=1")).body.items[0];
    const { id, lastUsedAt } = await newest();
    expect(lastUsedAt).toBeNull();
    const reached = async () =>
      (await by(key, "GET", "/admin/locations")).body.items.map((item: { id: string }) => item.id);
    expect(await reached()).toEqual([locationId]);
    await until(newest, ({ lastUsedAt: at }) => at !== null);
    const change = { locationIds: [otherLocation, otherLocation], name: "other" };
    expect(await bridge.admin("PATCH", `/keys/${id}`, change)).toMatchObject({
      status: 200,
      body: { name: "other", locationIds: [otherLocation], access: "read", expiresAt: null },
    });
    expect(await reached()).toEqual([otherLocation]);
    const set = (expiresAt: unknown) => bridge.admin("PATCH", `/keys/${id}`, { expiresAt });
    expect((await set(new Date(Date.now() - 1000).toISOString())).status).toBe(422);
    expect((await bridge.admin("PATCH", `/keys/${id}`, {})).status).toBe(422);
    expect((await set(new Date(Date.now() + 2000).toISOString())).status).toBe(200);
    await until(
      () => by(key, "GET", "/admin/locations"),
      ({ status }) => status === 401,
    );
    expect((await set(null)).body.expiresAt).toBeNull();
    expect((await by(key, "GET", "/admin/locations")).status).toBe(200);
  });

  test("for all locations still makes no keys, and sees nothing of the app's own webhooks", async () => {
    expect((await by(keys.everywhere, "POST", "/admin/keys", { name: "x", access: "read" })).status).toBe(403);
    expect((await by(keys.everywhere, "GET", `/admin/webhooks/${ids.webhook}`)).status).toBe(200);
    expect((await by(keys.everywhere, "GET", `/admin/webhooks/${ids.app}`)).status).toBe(404);
    const { body } = await by(keys.everywhere, "GET", "/admin/webhooks");
    expect(body.items.some((item: { mappingId: string | null }) => item.mappingId === null)).toBe(false);
    expect((await bridge.admin("GET", `/webhooks/${ids.app}`)).status).toBe(200);
  });

  test("is not told whether a location that it does not reach is there, nor that another one has an address, or keeps it from its own", async () => {
    const answers = await Promise.all(
      [locationId, "nowhere"].map((id) => by(keys.other, "PUT", `/admin/locations/${id}`, { token: "x" })),
    );
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    const taken = await bridge.addMapping(text("+15005550077"));
    const answer = await by(keys.other, "POST", "/admin/mappings", {
      ...text("+15005550077"),
      locationId: otherLocation,
    });
    expect(answer.status).toBe(201);
    expect(JSON.stringify(answer.body)).not.toContain(taken);
    expect((await by(keys.other, "DELETE", `/admin/mappings/${answer.body.id}`)).status).toBe(204);
  });

  test("sends by its own locations only, also where the request names none", async () => {
    const named = await by(keys.other, "POST", "/v1/messages", { ...sms, conversationProviderId: smsProviderId });
    expect(named.status).not.toBe(200);
    const { status, body } = await by(keys.own, "POST", "/v1/messages", sms);
    expect(status, JSON.stringify(body)).toBe(200);
  });

  test.each([
    [{ access: "read" }, "name"],
    [{ name: "x" }, "access"],
    [{ name: "x", access: "admin" }, "access"],
    [{ name: "x", access: "read", locationIds: [] }, "locationIds"],
    [{ name: "x", access: "read", locationIds: [""] }, "locationIds.0"],
    [{ name: "x", access: "read", locations: ["location-1"] }, ""],
  ])("422 for %j: a mistake must not make a key for everything", async (wrong, path) => {
    const answer = await bridge.admin("POST", "/keys", wrong);
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toBe(path);
  });
});

test("/readyz names locations only to who has a key, and only those that it reaches", async () => {
  const ready = (key?: string) =>
    fetch(`${bridge.url}/readyz`, key ? { headers: { authorization: `Bearer ${key}` } } : {}).then((answer) =>
      answer.json(),
    );
  expect(await ready()).toMatchObject({ status: "ok" });
  for (const key of [undefined, "wrong", `cb_${"x".repeat(43)}`])
    expect(await ready(key)).not.toHaveProperty("pausedLocations");
  expect(await ready(keys.other)).toMatchObject({ pausedLocations: [] });
});

describe("admin.wrote", () => {
  const lines = () => bridge.logLines.filter(({ event }) => event === "admin.wrote");

  test("says who wrote what, by the route's pattern, and how it ended", async () => {
    const before = lines().length;
    await bridge.admin("PUT", `/locations/${otherLocation}`, { token: "token-very-secret" });
    await bridge.admin("PUT", `/mappings/${nowhere}/conversations/+15005550006`, { contactId: "c" });
    await bridge.admin("POST", "/nothing/here", {});
    await until(
      () => lines().length,
      (count) => count >= before + 3,
    );
    expect(lines().slice(before)).toMatchObject([
      {
        level: "info",
        who: "admin",
        method: "PUT",
        route: "/admin/locations/:locationId",
        status: 200,
        ids: { locationId: otherLocation },
      },
      { route: "/admin/mappings/:id/conversations/:address", status: 404, ids: { mappingId: nowhere } },
      { method: "POST", status: 404, ids: {} },
    ]);
    expect(lines().at(-1)).not.toHaveProperty("route");
    expect(JSON.stringify(lines())).not.toMatch(/secret|\+1500/);
  });

  test("names an integrator by the key's id, also where the key was too little; reading leaves none", async () => {
    const before = lines().length;
    const write = { method: "DELETE", headers: { authorization: `Bearer ${keys.reading}` } };
    await fetch(`${bridge.url}/admin/locations/${locationId}`, write);
    await fetch(`${bridge.url}/admin/locations`, { headers: write.headers });
    await bridge.admin("POST", "/deliveries/replay", { kind: "post-inbound" });
    await until(
      () => lines().length,
      (count) => count >= before + 2,
    );
    expect(lines().slice(before)).toMatchObject([
      { who: expect.stringMatching(/^key \d+$/), method: "DELETE", status: 403 },
      { who: "admin", route: "/admin/deliveries/replay", status: 202 },
    ]);
  });
});
