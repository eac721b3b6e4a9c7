import axios from "axios";
import { DrizzleQueryError } from "drizzle-orm";
import supertest from "supertest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLog, describeError } from "../../src/log.ts";
import { locationId, publicUrl, token } from "../support/location.ts";
import { allCredentials, providerOf, providers, textProviders } from "../support/providers.ts";
import { startTwoWay, type TwoWay, type Way } from "../support/two-way.ts";
import { until } from "../support/until.ts";
import { writeMessage } from "../support/write-webhooks.ts";

/** What nobody but the two people may read, and what opens doors. */
const words = "marked-words";
const person = "marked-person";
const phonePrefix = "+1500777";
const oauthSecret = "marked-oauth-secret";
const code = "marked-code";
const adminKey = "test-admin-key-of-more-than-32-characters";
const metricsToken = "marked-metrics-token-of-more-than-32-characters";

const [some] = textProviders;
/** All but what says whose account it is: that may be read. */
const providerSecrets = providers.flatMap((provider) => {
  const isOpen = (name: string) => (provider.signer.open ?? []).includes(name);
  return Object.entries(allCredentials(provider)).flatMap(([name, value]) => (isOpen(name) ? [] : [String(value)]));
});
const forbidden = [
  words,
  person,
  phonePrefix,
  oauthSecret,
  code,
  adminKey,
  metricsToken,
  token,
  "marked-token",
  ...providerSecrets,
];

let twoWay: TwoWay;
let integratorKey = "";
/** Everything that was written, but for what an authorised answer is about. */
const problems: string[] = [];
beforeAll(async () => {
  const oauth = {
    clientId: "app-x",
    clientSecret: oauthSecret,
    authorizeUrl: "https://marketplace.example.com/v2/oauth/chooselocation",
    scopes: "conversations.write",
  };
  twoWay = await startTwoWay({ config: { oauth, metricsTokens: [metricsToken] } });
  twoWay.bridge.sandbox.setOauth({
    clientId: "app-x",
    clientSecret: oauthSecret,
    chosen: { locationId: "location-oauth" },
  });
  integratorKey = (await twoWay.bridge.admin("POST", "/keys", { name: "n", access: "read" })).body.key;
});
afterAll(() => twoWay.stop());

let counter = 0;
const newContact = () =>
  twoWay.bridge.sandbox.addContact({
    locationId,
    phone: `${phonePrefix}${String(2000 + ++counter)}`,
    email: `${person}${counter}@example.org`,
  });

async function call(method: string, path: string, options: { key?: string; headers?: object; data?: unknown } = {}) {
  const { key = adminKey, headers, data } = options;
  const answer = await axios.request({
    method,
    url: `${twoWay.bridge.url}${path}`,
    data,
    headers: { authorization: `Bearer ${key}`, ...headers },
    maxRedirects: 0,
    validateStatus: () => true,
    responseType: "text",
  });
  if (answer.status >= 400) problems.push(String(answer.data));
  return answer;
}

/** An agent writes, the provider tells what became of it, and the person answers. */
async function talk(by: Way): Promise<void> {
  const contact = newContact();
  const to = by.channel === "sms" ? contact.phone : contact.email;
  const content = by.channel === "sms" ? { message: words } : { html: `<p>${words}</p>`, subject: words };
  const attachments = [`http://127.0.0.1:9/${words}.pdf`];
  twoWay.bridge.sandbox.sendAsAgent(contact.id, { providerId: by.providerId, ...content });
  if (by.channel === "email")
    twoWay.bridge.sandbox.sendAsAgent(contact.id, { providerId: by.providerId, ...content, attachments });
  const [sent] = await until(
    () => by.standIn.sent.filter((message) => message.to.includes(to ?? "")),
    (list) => list.length > 0,
  );
  if (!sent) throw new Error("nothing was sent");
  await twoWay.tell(by, sent, "delivered");
  await twoWay.tell(by, sent, "failed");
  await twoWay.answer(by, sent, `answer-${by.provider}`, words);
}

/** A message to somebody else, and what cannot be read, both signed. */
async function postUnread(by: Way): Promise<void> {
  const provider = providerOf(by.provider);
  const posting = { url: by.webhookUrl, at: new Date() };
  const [from, to] =
    by.channel === "sms" ? [`${phonePrefix}1234`, "+15005550001"] : [`${person}@example.org`, "nobody@example.com"];
  const message = { id: `${words}-${by.provider}`, from, to, text: words, subject: words };
  await twoWay.bridge.post(writeMessage(provider, message, posting));
  const contentType = provider.adapter.contentTypes[0] ?? "";
  await twoWay.bridge.post(provider.signer.sign({ contentType, body: { [words]: words } }, posting));
}

test("both directions, the send route, OAuth and every kind of refusal", async () => {
  const { bridge, ways } = twoWay;
  for (const way of Object.values(ways)) await talk(way);
  const contact = newContact();
  const sms = { locationId, type: "SMS", contactId: contact.id, message: words };
  for (const headers of [{}, { "idempotency-key": "marked" }])
    await call("POST", "/v1/messages", { data: sms, headers });
  bridge.sandbox.setFaults([{ kind: "status", path: "/conversations/messages", status: 422, times: 2 }]);
  await call("POST", "/v1/messages", { data: sms });
  bridge.sandbox.setFaults([{ kind: "no-answer", path: "/conversations/messages", times: 1 }]);
  await call("POST", "/v1/messages", { data: { ...sms, message: `${words} again` } });
  bridge.sandbox.setFaults([]);
  await call("POST", "/v1/messages", { data: { ...sms, type: words, emailTo: `${person}@` } });

  // Webhooks that are none, from who is not the provider.
  for (const { mappingId } of Object.values(ways)) {
    for (const type of ["application/json", "application/x-www-form-urlencoded"])
      await call("POST", `/webhooks/${mappingId}?x=${words}`, {
        headers: { "content-type": type },
        data: `${words}=${words}`,
      });
  }
  await call("POST", `/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11`, { data: words });
  await call("POST", "/webhooks/highlevel", { headers: { "x-ghl-signature": words }, data: { words } });
  for (const by of Object.values(ways)) await postUnread(by);

  // What integrators do wrong.
  const secret = { token: "marked-token", name: words };
  await call("PUT", "/admin/locations/location-x", { data: secret });
  await call("PUT", "/admin/locations/location-x", { data: { ...secret, surplus: words } });
  await call("PUT", "/admin/locations/location-x", {
    headers: { "content-type": "application/json" },
    data: `{"token":"marked-token`,
  });
  await call("PUT", "/admin/locations/location-x", { data: secret, key: integratorKey });
  await call("PUT", "/admin/locations/location-x", { data: secret, key: `cb_${"marked-token".repeat(4)}` });
  await call("POST", "/admin/mappings", {
    data: { locationId, provider: some?.name, address: `${person}@example.org`, credentials: some?.signer.credentials },
  });
  const by = ways[some?.name ?? ""] as Way;
  const taken = {
    ...{ locationId, provider: by.provider, address: by.address, conversationProviderId: "p" },
    credentials: some?.signer.credentials,
  };
  await call("POST", "/admin/mappings", { data: taken });
  await call("POST", "/admin/mappings", { data: { ...taken, credentials: { secret: "marked-token" } } });
  await call("GET", `/admin/mappings/${by.mappingId}/conversations/${phonePrefix}9999`);
  await call("GET", `/admin/nothing`);
  await call("GET", "/metrics", { key: "marked-token" });

  // Installs, one of which HighLevel refuses.
  for (const given of [undefined, code]) {
    const begun = await call("GET", "/oauth/install");
    const cookie = String(begun.headers["set-cookie"]).split(";")[0] ?? "";
    const { pathname, search, searchParams } = new URL(String(begun.headers["location"]));
    const chosen = await supertest(bridge.sandbox.app).get(`${pathname}${search}`);
    const back = given
      ? `${publicUrl}/oauth/callback?code=${given}&state=${searchParams.get("state")}`
      : (chosen.headers["location"] ?? "");
    const answer = await call("GET", back.slice(publicUrl.length), { headers: { cookie } });
    expect(answer.status).toBe(given ? 400 : 200);
  }
  const waiting = () => bridge.admin("GET", "/webhooks?state=received&limit=1");
  await until(waiting, (answer) => answer.body.items.length === 0);
  const pending = () => bridge.admin("GET", "/deliveries?state=pending&limit=1");
  await until(pending, (answer) => answer.body.items.length === 0, 15);
}, 60_000);

test("leave nothing in the log but ids and outcomes", () => {
  const lines = twoWay.bridge.logLines.map((line) => JSON.stringify(line));
  const events = new Set(twoWay.bridge.logLines.map(({ event }) => event));
  const expected = [
    "webhook.refused",
    "webhook.processed",
    "delivery.attempted",
    "admin.wrote",
    "admin.refused",
    "send.failed",
    "oauth.not_connected",
  ];
  expect([...events]).toEqual(expect.arrayContaining(expected));
  for (const part of [...forbidden, integratorKey])
    expect(
      lines.filter((line) => line.includes(part)),
      part,
    ).toEqual([]);
  for (const part of providerSecrets.map((secret) => Buffer.from(secret).toString("base64")))
    expect(lines.filter((line) => line.includes(part))).toEqual([]);
});

test("leave nothing in problem answers, nor in /readyz and /metrics", async () => {
  expect(problems.length).toBeGreaterThan(20);
  const metrics = await call("GET", "/metrics", { key: metricsToken });
  expect(metrics.status).toBe(200);
  const ready = await call("GET", "/readyz");
  expect(ready.status).toBe(200);
  for (const text of [...problems, String(metrics.data), String(ready.data)]) {
    for (const part of [...forbidden, integratorKey]) expect(text).not.toContain(part);
  }
});

test("an error's message is not logged, also where a line of it looks like a place in the code", () => {
  const query = new DrizzleQueryError(
    "insert into messages",
    [`hello\nat marked-words sharp\n    at marked-words`],
    new Error("x"),
  );
  const lines: string[] = [];
  createLog("debug", { write: (line) => void lines.push(line) })("error", "test.broke", describeError(query));
  expect(lines.join()).not.toContain(words);
  expect(describeError(query)["at"]).toMatch(/secrets\.test\.ts/);
});
