import { randomUUID } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type AppContext, createApp } from "../../src/http/app.ts";
import { routesOf } from "../security/route-stack.ts";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { providers, textProviders } from "../support/providers.ts";
import { until } from "../support/until.ts";
import { bodyMutation, byteMutation, headerMutation, mutateBody, mutateBytes, nastyTexts } from "./mutations.ts";
import { expectSwift } from "./slowness.ts";

/** Each run is a request of its own to the bridge and its database, so fewer of them make the usual test. */
const fuzzRuns = inject("fuzzRuns");
// Enough that one of what is signed can be read, too.
const numRuns = fuzzRuns < 10_000 ? 20 : fuzzRuns;
const adminKey = "test-admin-key-of-more-than-32-characters";
const metricsToken = "metrics-token-of-more-than-32-characters";

const context = {
  adminApiKeys: ["x"],
  publicUrl,
  bodyLimitBytes: { sms: 1, email: 1 },
  stateKey: Buffer.alloc(32),
  metrics: {},
  database: {},
  metricsTokens: [metricsToken],
};
const routes = routesOf(createApp(context as unknown as AppContext));

let bridge: TestBridge;
const agent = new Agent({ keepAlive: true });
/** Of each provider, in their order. */
const mappings: string[] = [];

beforeAll(async () => {
  bridge = await startTestBridge({
    config: {
      metricsTokens: [metricsToken],
      incoming: { webhooksPerMinute: 0, connections: 1000 },
      oauth: {
        clientId: "app-x",
        clientSecret: "secret",
        authorizeUrl: "https://marketplace.example.com/",
        scopes: "a",
      },
    },
  });
  const ours = {
    sms: { conversationProviderId: smsProviderId, address: "+15005550009" },
    email: { conversationProviderId: emailProviderId, address: "support@example.com" },
  };
  for (const { name: provider, channel, signer } of providers) {
    mappings.push(await bridge.addMapping({ ...ours[channel], provider, credentials: signer.credentials }));
  }
});
afterAll(async () => {
  agent.destroy();
  await bridge.stop();
});

interface Asked {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

function ask({ method, path, headers, body }: Asked): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(bridge.url);
    const length = body.length > 0 ? { "content-length": String(body.length) } : {};
    const req = httpRequest({ agent, hostname, port, method, path, headers: { ...headers, ...length } }, (res) => {
      if (res.headers["content-type"]?.startsWith("text/event-stream")) {
        // It goes on until somebody hangs up.
        resolve({ status: res.statusCode ?? 0, text: "" });
        return void req.destroy();
      }
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("end", () => resolve({ status: res.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      res.on("error", reject);
    });
    // A refusal may come, and the connection go, before the whole body is sent.
    req.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "EPIPE" || error.code === "ECONNRESET" ? resolve({ status: 0, text: "" }) : reject(error),
    );
    req.end(body);
  });
}

/** Of the send route, when HighLevel itself refuses or is away, and of the callback. */
const passedOn = new Set(["POST /v1/messages", "GET /oauth/callback"]);

async function expectNoBreak(route: string, asked: Asked, mostMs?: number): Promise<void> {
  const about = () => `${JSON.stringify({ ...asked, body: asked.body.toString("latin1") }).slice(0, 4000)}`;
  const { status, text } = await expectSwift(() => ask(asked), about, mostMs);
  // A provider that loses mail after a 4xx is asked to come again instead.
  const isAskedAgain = status === 503 && asked.path.startsWith("/webhooks/");
  if (status >= 500 && !isAskedAgain && !(passedOn.has(route) && status !== 500)) {
    const line = JSON.stringify(bridge.logLines.findLast(({ event }) => event === "request.broke"));
    expect.unreachable(`${status} ${text} ${line} for ${about()}`);
  }
  expect({}).not.toHaveProperty("polluted");
}

const segment = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom("1", "0", "-1", "1e3", "9".repeat(30), locationId, randomUUID(), "%2B15005550006"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...nastyTexts).map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 4000)),
  },
  { weight: 1, arbitrary: fc.constantFrom("%00", "%ff", "%", "%c0%af", "..%2f..", "__proto__", "%0d%0aX:y", "a%00b") },
);
const parameterNames = [
  "limit",
  "cursor",
  "mappingId",
  "locationId",
  "state",
  "reason",
  "address",
  "from",
  "until",
  "direction",
  "deliveryState",
  "wait",
  "code",
  "error",
  "error_description",
  "__proto__",
  "constructor",
];
const query = fc
  .array(fc.tuple(fc.constantFrom(...parameterNames), segment), { maxLength: 4 })
  .map((pairs) => (pairs.length === 0 ? "" : `?${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`));

const [some, other] = textProviders;
/** What each route takes, to begin with. */
const samples: Record<string, Record<string, unknown>> = {
  "POST /admin/keys": { name: "n", locationIds: [locationId], access: "read" },
  "PUT /admin/locations/:locationId": { name: "n", token: "t", companyId: "c" },
  "POST /admin/mappings": {
    locationId,
    provider: some?.name,
    address: "+15005550010",
    conversationProviderId: smsProviderId,
    credentials: some?.signer.credentials,
    name: "n",
  },
  "PATCH /admin/mappings/:id": { name: "n", unknownSender: "create", credentials: other?.signer.credentials },
  "POST /admin/mappings/:id/preview": {
    headers: { a: "b" },
    ...some?.fixtures.find(({ name }) => name === "text")?.fixture.request,
  },
  "PUT /admin/mappings/:id/conversations/:address": { conversationId: "c", contactId: "d" },
  "POST /admin/endpoints": { url: "https://127.0.0.1:1/x", events: ["message.failed"], format: "slack", name: "n" },
  "PATCH /admin/endpoints/:id": { url: "https://127.0.0.1:1/y", secret: "new", locationIds: null, isDisabled: true },
  "POST /admin/deliveries/replay": { kind: "post-inbound", reason: "rejected", mappingId: randomUUID(), limit: 3 },
  "POST /admin/deliveries/discard": { kind: "send-outbound", address: "+15005550006", note: "n", dryRun: true },
  "POST /admin/webhooks/replay": { source: "provider", reason: "no", from: "2026-01-31T09:30:00Z", limit: 3 },
  "POST /admin/webhooks/discard": { source: "highlevel", locationId, note: "n", dryRun: false },
  "POST /v1/messages": {
    locationId,
    type: "Email",
    contactId: "c",
    emailTo: "a@example.org",
    subject: "s",
    html: "<p>x</p>",
    message: "m",
    attachments: ["https://files.example.com/a.pdf"],
    scheduledTimestamp: 1_700_000_000,
    fromNumber: "+15005550009",
  },
};

const isTaken = (route: string) => !/^POST \/webhooks/.test(route);
describe.each(routes.filter(isTaken))("%s", (route) => {
  const [method, pattern] = route.split(" ") as [string, string];
  // Those that other routes need are not to be deleted.
  const ids =
    method === "DELETE"
      ? segment
      : fc.oneof(
          segment,
          fc.nat(providers.length - 1).map((index) => mappings[index] ?? ""),
        );
  const asked = fc
    .record({
      segments: fc.tuple(ids, segment),
      query,
      fields: fc.array(bodyMutation, { maxLength: 3 }),
      bytes: fc.array(byteMutation, { maxLength: 1 }),
      headers: fc.array(headerMutation, { maxLength: 1 }),
    })
    .map(({ segments, query: search, fields, bytes, headers }): Asked => {
      let index = 0;
      const path = pattern.replace(/:\w+/g, () => segments[index++ % 2] ?? "");
      const sample = samples[route] ?? {};
      const body =
        method === "GET"
          ? Buffer.alloc(0)
          : mutateBytes(Buffer.from(JSON.stringify(mutateBody(sample, fields, false))), bytes);
      const authorization = `Bearer ${pattern === "/metrics" ? metricsToken : adminKey}`;
      const usual = { "content-type": "application/json", authorization };
      const changed = headers.filter(({ name }) => name !== "authorization" || bytes.length > 0);
      return {
        method,
        path: `${path}${search}`,
        headers: { ...usual, ...Object.fromEntries(changed.map(({ name, value }) => [name, value])) },
        body,
      };
    });

  test(`answers ${numRuns} mutated requests without breaking`, async () => {
    await fc.assert(
      fc.asyncProperty(asked, (each) => expectNoBreak(route, each)),
      { numRuns },
    );
  }, 1_200_000);
});

/** How long verifying and reading take is tried for each adapter; here the worker and the embedded database work meanwhile. */
const amidWorkMs = 2000;
describe("a provider's webhook", () => {
  const asked = fc
    .record({
      provider: fc.nat(providers.length - 1),
      which: fc.nat(1000),
      fields: fc.array(bodyMutation, { maxLength: 3 }),
      bytes: fc.array(byteMutation, { maxLength: 1 }),
      headers: fc.array(headerMutation, { maxLength: 1 }),
      isSigned: fc.constantFrom(true, true, true, false),
    })
    .map(({ provider: at, which, fields, bytes, headers, isSigned }): Asked => {
      const { signer, fixtures } = providers[at] as (typeof providers)[number];
      const { request: sample } = (fixtures[which % fixtures.length] as (typeof fixtures)[number]).fixture;
      const isForm = sample.contentType !== "application/json";
      const body = mutateBody(sample.body, fields, isForm);
      const url = `${publicUrl}/webhooks/${mappings[at]}${sample.query ?? ""}`;
      const request = signer.sign({ ...sample, body }, { url, at: new Date() });
      const spoiled = isSigned ? {} : Object.fromEntries(headers.map(({ name, value }) => [name, value]));
      return {
        method: "POST",
        path: request.url.slice(publicUrl.length),
        headers: { ...request.headers, ...spoiled },
        body: isSigned ? request.body : mutateBytes(request.body, bytes),
      };
    });

  test(`is stored, and processed without breaking: ${numRuns} times`, async () => {
    await fc.assert(
      fc.asyncProperty(asked, (each) => expectNoBreak("POST /webhooks/:mappingId", each, amidWorkMs)),
      {
        numRuns,
      },
    );
    // Of those none may have been good, by chance.
    for (const [at, { signer, fixtures }] of providers.entries()) {
      const url = `${publicUrl}/webhooks/${mappings[at]}`;
      const [sample] = fixtures.map(({ fixture }) => fixture.request).filter(({ query }) => !query);
      if (!sample) continue;
      const { headers, body } = signer.sign(sample, { url, at: new Date() });
      await ask({ method: "POST", path: url.slice(publicUrl.length), headers, body });
    }
    const waiting = () => bridge.admin("GET", "/webhooks?state=received&limit=1");
    await until(waiting, ({ body }) => body.items.length === 0, 120);
    expect((await bridge.admin("GET", "/webhooks?state=processed&limit=1")).body.items).not.toEqual([]);
  }, 1_200_000);
});

test.each(["\0", "\ud800"])("what PostgreSQL cannot hold, %j, is refused at the door", async (odd) => {
  const headers = { "content-type": "application/json", authorization: `Bearer ${adminKey}` };
  const body = Buffer.from(JSON.stringify({ name: `a${odd}`, access: "read" }));
  expect(await ask({ method: "POST", path: "/admin/keys", headers, body })).toMatchObject({ status: 400 });
  const path = "/admin/locations/a%00b?address=%00";
  expect(await ask({ method: "GET", path, headers, body: Buffer.alloc(0) })).toMatchObject({ status: 400 });
});

const writing = routes.filter((route) => isTaken(route) && /^(POST|PUT|PATCH) /.test(route));
const huge: Record<string, string> = {
  "an array of a million": `{"attachments":[${"1,".repeat(500_000)}1]}`,
  "a name a million times": `{${'"a":1,'.repeat(200_000)}"a":1}`,
  "10,000 lists within each other": `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
  "a number beyond all": '{"limit":1e999999}',
  "a number of many digits": `{"limit":${"9".repeat(500_000)}}`,
  "a text of a million signs": `{"name":"${"x".repeat(900_000)}"}`,
};
test.each(Object.entries(huge))("every route that is written to refuses %s in a few words", async (_what, body) => {
  const authorization = `Bearer ${adminKey}`;
  for (const route of writing) {
    const [method, pattern] = route.split(" ") as [string, string];
    const path = pattern.replace(/:\w+/g, mappings[0] ?? "");
    const headers = { "content-type": "application/json", authorization };
    const { status, text } = await ask({ method, path, headers, body: Buffer.from(body) });
    // Where none is asked for, a body says nothing. 0: the connection ended before all of it was sent.
    expect(status < 500, `${route} ${status}`).toBe(true);
    expect(text.length, route).toBeLessThan(5000);
  }
});

test.each(["__proto__", "constructor", "toString", "gzip", "x".repeat(1000)])(
  "a body packed as %s is refused",
  async (packed) => {
    const headers = {
      "content-type": "application/json",
      authorization: `Bearer ${adminKey}`,
      "content-encoding": packed,
    };
    for (const path of ["/admin/keys", "/v1/messages"]) {
      expect(await ask({ method: "POST", path, headers, body: Buffer.from("{}") })).toMatchObject({ status: 415 });
    }
  },
);

test("nothing has broken in the background either", async () => {
  const broken = bridge.logLines.filter(({ event }) => /broke$|worker\.failed|unavailable/.test(String(event)));
  expect(broken.slice(0, 3)).toEqual([]);
});
