import { afterAll, describe, expect, test } from "vitest";
import { createCallApi } from "../../src/calls/call-api.ts";
import { createHighlevel } from "../../src/highlevel/client.ts";
import { createOauthClient } from "../../src/highlevel/oauth.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { defaultSettings } from "../../src/sandbox/settings.ts";
import { highlevelCalls, oauthCalls, type Stage } from "./client-calls.ts";
import { compareDeviations } from "./deviations.ts";
import { knownDeviations } from "./known-deviations.ts";
import { mutationsOf } from "./mutations.ts";
import { createOpenapi, type Exchange } from "./openapi.ts";
import { readOpenapi } from "./openapi-files.ts";
import { startRecorder } from "./recorder.ts";
import { refusedRequests } from "./refusals.ts";
import { type RawRequest, sandboxCalls, sendOf } from "./sandbox-calls.ts";

// biome-ignore lint/style/noProcessEnv: the one setting of the command.
const openapi = createOpenapi(readOpenapi(process.env["HIGHLEVEL_OPENAPI"]));
const { sandbox, url, stop } = await startSandbox({ rateLimit: undefined });
const recorder = await startRecorder(url);
const callApi = createCallApi({ timeoutSeconds: 10, maxSockets: 10 });
afterAll(async () => {
  callApi.close();
  await recorder.stop();
  await stop();
});

const ownHeaders = { authorization: "Bearer token", version: "2021-04-15" };
const met = new Set<string>();
/** What the sandbox took, one of each. */
const taken = new Map<string, Exchange>();

/** What is wrong with all that was said meanwhile, and is not a known deviation. */
async function unexplained(from = recorder): Promise<string[]> {
  const exchanges = from.take();
  expect(exchanges.length).toBeGreaterThan(0);
  const problems = (await Promise.all(exchanges.map((each) => openapi.problemsOf(each)))).flat();
  for (const problem of problems) met.add(problem);
  for (const each of exchanges) if (each.answer.status < 300) taken.set(keyOf(each), each);
  return compareDeviations(problems, knownDeviations).unexplained;
}

/** A sandbox in which an agent has written a text and an email to a person. */
function setStage(): Stage {
  const client = { clientId: "app", clientSecret: "secret" };
  sandbox.setOauth(client);
  sandbox.setSettings(defaultSettings);
  sandbox.putLocation({
    ...{ id: "loc", token: "token", companyId: "agency" },
    providers: [
      { id: "extra-sms", channel: "sms", extra: true },
      { id: "default-sms", channel: "sms", extra: false },
      { id: "extra-mail", channel: "email", extra: true },
      { id: "calls", channel: "call", extra: true },
    ],
  });
  const { id: contactId } = sandbox.addContact({
    ...{ locationId: "loc", phone: "+15005550006", email: "ann@example.org", name: "Ann" },
  });
  const text = sandbox.sendAsAgent(contactId, { providerId: "extra-sms", message: "hello" });
  const written = { html: "<p>hello</p>", subject: "A question", emailCc: ["bob@example.org"] };
  const email = sandbox.sendAsAgent(contactId, { providerId: "extra-mail", ...written });
  return {
    ...{
      highlevel: createHighlevel({ callApi, baseUrl: recorder.url }),
      access: { locationId: "loc", token: "token" },
    },
    oauth: createOauthClient({ callApi, baseUrl: recorder.url, ...client }),
    ...{ sandbox, contactId, conversationId: text.conversationId },
    ...{ textId: text.messageId, emailId: email.emailMessageId ?? "" },
    async install(who) {
      sandbox.setOauth({ chosen: who });
      const query = {
        response_type: "code",
        client_id: "app",
        scope: "a",
        redirect_uri: "https://bridge.example/oauth/callback",
      };
      const page = await fetch(`${url}/v2/oauth/chooselocation?${new URLSearchParams(query)}`, { redirect: "manual" });
      return new URL(page.headers.get("location") ?? "").searchParams.get("code") ?? "";
    },
  };
}

describe.each([...Object.entries(highlevelCalls), ...Object.entries(oauthCalls)])(
  "the request of %s and its answer are as published",
  (_name, calls) => {
    test.each(Object.entries(calls))("%s", async (_how, call) => {
      await call(setStage());
      expect(await unexplained()).toEqual([]);
    });
  },
);

const sendTypes = [
  "SMS",
  "RCS",
  "Email",
  "WhatsApp",
  "IG",
  "FB",
  "Custom",
  "Live_Chat",
  "TIKTOK",
  "GMB",
  "InternalComment",
];
const sends = sendTypes.map((type) => [`a template as ${type}`, sendOf(type)] as const);

test.each([...Object.entries(sandboxCalls), ...sends])(
  "%s is answered as published",
  async (_what, describeRequest) => {
    const stage = setStage();
    const answer = await send(describeRequest(stage));
    expect([answer.status, await answer.text()]).toEqual([
      expect.toSatisfy((status) => status < 300),
      expect.anything(),
    ]);
    // What was stored of it is shown as published, too.
    sandbox.setSettings({ messageList: "flat" });
    await send({ path: `/conversations/${stage.conversationId}/messages` });
    expect(await unexplained()).toEqual([]);
  },
);

test.each(Object.entries(refusedRequests))("%s is refused as published", async (_what, describeRequest) => {
  const request = describeRequest(setStage());
  expect((await send(request)).status).toBe(request.status);
  // Only the answer is judged: what is refused for its form cannot be as published.
  expect((await unexplained()).filter((problem) => !problem.includes(": request "))).toEqual([]);
});

test("a request too many is refused as published", async () => {
  const rateLimit = { max: 0, intervalMs: 60_000, perDay: 100, sendsRetryAfter: false };
  const limited = await startSandbox({ rateLimit });
  const before = await startRecorder(limited.url);
  limited.sandbox.putLocation({ id: "loc", token: "token", providers: [] });
  const answer = await fetch(`${before.url}/conversations/search?locationId=loc`, { headers: ownHeaders });
  expect(answer.status).toBe(429);
  expect(await unexplained(before)).toEqual([]);
  await before.stop();
  await limited.stop();
});

/** What is published as wrong, and taken by the sandbox all the same. */
async function findLooseness(exchange: Exchange): Promise<string[]> {
  const own = new Set(await openapi.problemsOf(exchange));
  const found: string[] = [];
  for (const request of mutationsOf(exchange)) {
    const more = (await openapi.problemsOf({ ...exchange, ...request })).filter((problem) => !own.has(problem));
    if (more.length === 0) continue;
    const { method, headers, body } = request;
    const { "content-length": _length, ...kept } = headers;
    const sent = { method, headers: kept, ...(body.length > 0 ? { body: new Uint8Array(body) } : {}) };
    const { status } = await fetch(`${url}${request.url}`, sent);
    if (status < 300) found.push(...more.map((problem) => problem.replace(": request ", ": the sandbox takes ")));
  }
  return found;
}

test("what is published as wrong is refused", async () => {
  setStage();
  expect(taken.size).toBeGreaterThan(30);
  const found = (await Promise.all([...taken.values()].map(findLooseness))).flat();
  for (const problem of found) met.add(problem);
  expect(compareDeviations(found, knownDeviations).unexplained).toEqual([]);
});

test("each known deviation is one still", () => {
  expect(compareDeviations(met, knownDeviations).outdated).toEqual([]);
});

/** Exchanges of the same fields are alike. */
function keyOf({ method, url: path, body, headers }: Exchange): string {
  const fields = [...body.toString().matchAll(/"?([\w]+)"?(?=[:=])/g)].map(([, name]) => name);
  const query = [...new URL(path, url).searchParams.keys()];
  return [method, path.replaceAll(/\w{20}/g, "id").split("?")[0], headers["version"], ...query, ...fields].join(" ");
}

function send({ method = "GET", path, headers, json, form, file }: RawRequest): Promise<Response> {
  const own = { ...ownHeaders, ...headers };
  const used = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ""));
  const type = json ? { "content-type": "application/json" } : {};
  return fetch(`${recorder.url}${path}`, {
    ...{ method, headers: { ...used, ...type } },
    ...(method === "GET" ? {} : { body: json ? JSON.stringify(json) : formOf(path, form, file) }),
  });
}

function formOf(path: string, fields: Record<string, string> = {}, file: RawRequest["file"]) {
  if (path.startsWith("/oauth")) return new URLSearchParams(fields);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (file) form.set(file.field, new Blob([new Uint8Array(file.content)]), file.name);
  return form;
}
