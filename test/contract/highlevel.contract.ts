import { afterAll, describe, expect, test } from "vitest";
import { createCallApi } from "../../src/calls/call-api.ts";
import { createHighlevel } from "../../src/highlevel/client.ts";
import { createOauthClient } from "../../src/highlevel/oauth.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { defaultSettings } from "../../src/sandbox/settings.ts";
import { highlevelCalls, oauthCalls, type Stage } from "./client-calls.ts";
import { compareDeviations } from "./deviations.ts";
import { knownDeviations } from "./known-deviations.ts";
import { createOpenapi } from "./openapi.ts";
import { readOpenapi } from "./openapi-files.ts";
import { startRecorder } from "./recorder.ts";
import { type RefusedRequest, refusedRequests } from "./refusals.ts";

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

const met = new Set<string>();

/** What is wrong with all that was said meanwhile, and is not a known deviation. */
async function unexplained(): Promise<string[]> {
  const exchanges = recorder.take();
  expect(exchanges.length).toBeGreaterThan(0);
  const problems = (await Promise.all(exchanges.map((each) => openapi.problemsOf(each)))).flat();
  for (const problem of problems) met.add(problem);
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

test.each(Object.entries(refusedRequests))("%s is refused as published", async (_what, describeRequest) => {
  const request = describeRequest(setStage());
  expect((await send(request)).status).toBe(request.status);
  // Only the answer is judged: what is refused for its form cannot be as published.
  expect((await unexplained()).filter((problem) => !problem.includes(": request "))).toEqual([]);
});

test("each known deviation is one still", () => {
  expect(compareDeviations(met, knownDeviations).outdated).toEqual([]);
});

function send({ method = "GET", path, headers, json, form, file }: RefusedRequest): Promise<Response> {
  const own = { authorization: "Bearer token", version: "2021-04-15", ...headers };
  const used = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ""));
  const type = json ? { "content-type": "application/json" } : {};
  return fetch(`${recorder.url}${path}`, {
    ...{ method, headers: { ...used, ...type } },
    ...(method === "GET" ? {} : { body: json ? JSON.stringify(json) : formOf(path, form, file) }),
  });
}

function formOf(path: string, fields: Record<string, string> = {}, file: RefusedRequest["file"]) {
  if (path.startsWith("/oauth")) return new URLSearchParams(fields);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (file) form.set(file.field, new Blob([new Uint8Array(file.content)]), file.name);
  return form;
}
