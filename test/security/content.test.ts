import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiOperations } from "../../src/http/openapi/document.ts";
import { signIn } from "../console/sign-in.ts";
import { person, type Stage, secretWords, startStage } from "../console/stage.ts";
import { walksOf } from "../console/walks.ts";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { requireFit } from "../support/fits-document.ts";
import { emailProviderId, locationId, publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";

/** In whatever somebody wrote: a text, a subject, the name of a person and of a file. */
const canary = "canary";
const mailbox = `${canary}@example.org`;
const content = new RegExp(`${canary}|${secretWords}|${person.slice(1)}`, "i");
/** Within bytes. */
const decoded = (body: string) =>
  body + [...body.matchAll(/[\w+/]{24,}={0,2}/g)].map(([bytes]) => Buffer.from(bytes, "base64").toString()).join("");

let stage: Stage;
/** A mailbox. */
let office: string;
let keys: Record<"metadata" | "read", string>;
/** What is about the person most, by the operation that shows it. */
let paths: Record<string, string>;

beforeAll(async () => {
  stage = await startStage();
  const { admin, sandbox } = stage.bridge;
  const makeKey = async (access: string) =>
    (await admin("POST", "/keys", { name: "Acme", access, locationIds: [locationId] })).body.key;
  const mapping = { provider: "generic-email", conversationProviderId: emailProviderId, address: "office@example.com" };
  office = await stage.bridge.addMapping({ ...mapping, credentials: genericSms.credentials });
  keys = { metadata: await makeKey("metadata"), read: await makeKey("read") };
  const text = { id: "m-9", from: person, to: ["+15005550099", person], text: canary };
  await Promise.all([post(office, mail), post(stage.ids.mapping, text)]);
  const first = async (path: string) =>
    (
      await until(
        () => admin("GET", path),
        ({ body }) => body.items.length > 0,
      )
    ).body.items[0];
  const { id: mailId } = await first(`/messages?address=${mailbox}`);
  const { body: whole } = await until(
    () => admin("GET", `/messages/${mailId}`),
    ({ body }) => body.webhooks.length > 0,
  );
  await first("/webhooks?state=failed&reason=5550099");
  const contactId = sandbox.addContact({ locationId, phone: person }).id;
  const send = { type: "SMS", contactId, message: canary, locationId };
  const sent = await stage.bridge.send(send, {}, "?wait=false");
  await admin("PUT", "/opt-outs", { locationId, channel: "sms", address: person, note: canary });
  const { id: endpointId } = (await admin("POST", "/endpoints", endpoint)).body;
  const conversations = `/mappings/${stage.ids.quiet}/conversations`;
  const registered = `${conversations}/${encodeURIComponent(person)}`;
  expect((await admin("PUT", registered, { contactId })).status).toBe(200);
  const line = { date: "2024-01-31T09:30:00Z", direction: "inbound", person: `${canary} ${person}`, text: canary };
  const imported = await admin("POST", "/imports", { mappingId: stage.ids.mapping, dryRun: true, messages: [line] });
  const { ids } = stage;
  paths = {
    getMessage: `/admin/messages/${mailId}?steps=true&posted=true`,
    getStory: `/admin/messages/${ids.message}/story`,
    getWebhook: `/admin/webhooks/${whole.webhooks[0].id}`,
    getPerson: `/admin/people/${encodeURIComponent(person)}`,
    getSend: `/v1/messages/${sent.body.id}`,
    getMapping: `/admin/mappings/${ids.mapping}`,
    getAccount: `/admin/accounts/${ids.mapping}`,
    getLocation: `/admin/locations/${locationId}`,
    listConversations: `/admin${conversations}`,
    getConversation: `/admin${registered}`,
    checkMapping: `/admin/mappings/${ids.mapping}/check`,
    checkAccount: `/admin/accounts/${ids.mapping}/check`,
    checkLocation: `/admin/locations/${locationId}/check`,
    getReplay: `/admin/replays/${ids.replay}`,
    getEndpoint: `/admin/endpoints/${endpointId}`,
    getImport: `/admin/imports/${imported.body.id}`,
    listRefusedLines: `/admin/imports/${imported.body.id}/refused`,
    getProvider: "/admin/providers/x-none",
    search: `/admin/search?q=${mailId}`,
    watchLive: "/admin/live?seconds=2",
  };
});
afterAll(() => stage.bridge.stop());

const endpoint = { url: "https://127.0.0.1:1/", events: ["message.received"], locationIds: [locationId] };

/** With a file that HighLevel does not take. */
const mail = {
  ...{ id: "e-9", to: "office@example.com", from: `${canary} Example <${mailbox}>`, subject: `The ${canary}` },
  ...{ text: canary, html: `<p>${canary}</p>`, messageId: "<e-9@example.org>" },
  attachments: [{ url: "https://example.com/x", name: `${canary}.exe`, contentType: "application/x-msdownload" }],
};

async function post(account: string | number, data: Record<string, unknown>): Promise<void> {
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  const url = `${publicUrl}/webhooks/${account}`;
  const answer = await stage.bridge.post(genericSms.sign(sample, { url, at: new Date() }));
  expect(answer.status).toBeLessThan(300);
}

interface Answer {
  status: number;
  body: string;
  type: string;
}

function fitDocument(method: string, path: string, { status, body, type }: Answer): void {
  if (type.includes("json")) requireFit(method, path, { status, body: JSON.parse(body) });
}

async function read(path: string, headers: Record<string, string>, method = "GET"): Promise<Answer> {
  const answer = await fetch(`${stage.bridge.url}${path}`, { method, headers, redirect: "manual" });
  return { status: answer.status, body: await answer.text(), type: answer.headers.get("content-type") ?? "" };
}

const reading = () =>
  Object.entries(apiOperations)
    .filter(([, { method, isCheck, by }]) => (method === "GET" || isCheck) && by === "any key")
    .map(([id, { method, path }]) => ({ id, method, path: paths[id] ?? path }));

describe("a key that may not read what people wrote", () => {
  test("is shown nothing of it by any route, and the other key is", async () => {
    const shownToOthers: string[] = [];
    for (const { id, method, path } of reading()) {
      expect(path, `${id} needs a path`).not.toContain("{");
      const asBoth = [keys.metadata, keys.read].map((key) => read(path, { authorization: `Bearer ${key}` }, method));
      // Somebody writes while it is live.
      await stage.write(`while-${id}`);
      const [hidden, shown] = (await Promise.all(asBoth)) as [Answer, Answer];
      if (content.test(decoded(shown.body))) shownToOthers.push(id);
      expect(hidden.status, id).toBe(id.startsWith("export") && id !== "exportMetrics" ? 403 : shown.status);
      expect(decoded(hidden.body), id).not.toMatch(content);
      fitDocument(method, path, hidden);
    }
    expect(shownToOthers.toSorted()).toEqual(withContent.toSorted());
  });

  test("is shown nothing of it by any page", async () => {
    const cookies = await Promise.all([keys.metadata, keys.read].map((key) => signIn(stage.bridge, key)));
    const pages = walksOf(stage)
      .filter(({ route, path }) => route.startsWith("GET") && !path.includes("15005550006"))
      .map(({ path }) => path);
    let shownToOthers = 0;
    for (const path of [...pages, "/messages?hasFiles=true", `/messages/${paths["search"]?.split("=")[1]}`]) {
      const [hidden = "", shown = ""] = await Promise.all(
        cookies.map(async (cookie) => (await read(`/console${path}`, { cookie })).body),
      );
      if (content.test(decoded(shown))) shownToOthers++;
      expect(decoded(hidden), path).not.toMatch(content);
      expect(hidden, path).not.toMatch(/undefined|\[object |NaN|Invalid Date/);
    }
    expect(shownToOthers).toBeGreaterThan(8);
  });

  test("changes nothing", async () => {
    for (const [id, { method, path, isCheck }] of Object.entries(apiOperations)) {
      if (method === "GET" || isCheck) continue;
      const { bridge } = stage;
      const url = `${bridge.url}${path.replace(/\{\w+\}/g, "1")}`;
      const headers = { authorization: `Bearer ${keys.metadata}`, "content-type": "application/json" };
      expect((await fetch(url, { method, headers, body: "{}" })).status, id).toBe(403);
    }
  });
});

/** By which what was written here is shown to who may read it: if one is missing the stage has nothing for it. */
const withContent = [
  ...["getMessage", "getWebhook", "getPerson", "getConversation", "search", "watchLive"],
  ...["listMessages", "listWebhooks", "listDeliveries", "listConversations", "listOptOuts", "listProblems"],
  ...["exportMessages", "exportOptOuts", "getOverview", "checkMapping"],
];
