import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Calls } from "../../src/console/calls.ts";
import { createPages } from "../../src/console/pages.ts";
import { adminOperations } from "../../src/http/admin/operations.ts";
import { isWrite } from "../../src/http/operations/operation.ts";
import { withdrawProvider } from "../../src/providers/registry.ts";
import { adminApiKey } from "../support/bridge.ts";
import { locationId, publicUrl, smsProviderId } from "../support/location.ts";
import { until } from "../support/until.ts";
import { signIn } from "./sign-in.ts";
import { otherLocation, person, type Stage, secretWords, startStage } from "./stage.ts";
import { walksOf } from "./walks.ts";

let stage: Stage;
/** By whose key: the operator's, and integrators'. */
let cookies: Record<"admin" | "own" | "reading" | "other", string>;

beforeAll(async () => {
  stage = await startStage();
  const { bridge, keys } = stage;
  cookies = {
    admin: await signIn(bridge, adminApiKey),
    own: await signIn(bridge, keys.own),
    reading: await signIn(bridge, keys.reading),
    other: await signIn(bridge, keys.other),
  };
});
afterAll(async () => {
  await stage.bridge.stop();
  withdrawProvider("x-clicksend");
});

async function call(method: string, path: string, cookie: string, fields: Record<string, string> = {}) {
  const answer = await fetch(`${stage.bridge.url}/console${path}`, {
    ...{ method, redirect: "manual", headers: { cookie, origin: publicUrl } },
    ...(method === "POST" ? { body: new URLSearchParams(fields) } : {}),
  });
  return { status: answer.status, page: await answer.text(), location: answer.headers.get("location") };
}

describe.sequential("every page", () => {
  test("is walked", () => {
    const walked = walksOf(stage).map(({ route }) => route);
    expect([...new Set(walked)].toSorted()).toEqual(Object.keys(createPages({} as Calls)).toSorted());
  });

  test("is shown to whom the API shows it, and to a stranger not at all", async () => {
    for (const { route, path, fields, own, other, reading = own, admin = own } of walksOf(stage)) {
      const [method = ""] = route.split(" ");
      // What a button does is done once.
      const expected = { other, reading, own, ...(method === "GET" ? { admin } : {}) };
      const stranger = await call(method, path, "", fields);
      expect(stranger.status, `${route} by a stranger`).toBe(401);
      for (const [who, status] of Object.entries(expected) as [keyof typeof cookies, number][]) {
        const answer = await call(method, path, cookies[who], fields);
        expect(answer.status, `${route} by ${who}: ${answer.page.slice(-1500)}`).toBe(status);
        if (who === "other") expect(answer.page, route).not.toMatch(new RegExp(`${secretWords}|\\${person}<`));
        expect(answer.page, route).not.toMatch(/undefined|\[object |NaN|Invalid Date/);
      }
    }
  });
});

test("of a message that is shown what is asked for, and to a key for metadata nothing that was written", async () => {
  const limits = { name: "Support", access: "metadata", locationIds: [locationId] };
  const metadata = await signIn(stage.bridge, (await stage.bridge.admin("POST", "/keys", limits)).body.key);
  const told = "POST /conversations/messages/inbound";
  const shown = async (cookie: string, show: string) =>
    (await call("GET", `/messages/${stage.ids.message}${show}`, cookie)).page;
  expect(await shown(cookies.own, "")).not.toContain(told);
  expect(await shown(cookies.own, "?show=Posted")).toContain(told);
  expect(await shown(cookies.own, "?show=Webhook")).toContain("<h2>Headers</h2>");
  for (const show of ["", "?show=HTML", "?show=Posted", "?show=Webhook", "?show=JSON"]) {
    const page = await shown(metadata, show);
    expect(page, show).toContain("What happened");
    expect(page, show).not.toMatch(new RegExp(`${secretWords}|${told}|Headers`));
  }
});

test("no button is pressed by a form of another site", async () => {
  const buttons = walksOf(stage).filter(({ route }) => route.startsWith("POST"));
  expect(buttons.length).toBeGreaterThan(5);
  for (const { path, fields } of buttons) {
    const answer = await fetch(`${stage.bridge.url}/console${path}`, {
      ...{ method: "POST", redirect: "manual", headers: { cookie: cookies.admin, origin: "https://evil.example" } },
      body: new URLSearchParams(fields),
    });
    expect([path, answer.status]).toEqual([path, 403]);
  }
});

test("what a page was narrowed to stays: on the way to the next one, and in what is replayed", async () => {
  const { page } = await call("GET", `/messages?locationId=${locationId}&mappingId=`, cookies.admin);
  for (const place of ["problems", "webhooks", "mappings", "live", "metrics"])
    expect(page).toContain(`href="/console/${place}?locationId=${locationId}"`);
  const problemsOf = async (query: string) => (await call("GET", `/problems?${query}`, cookies.admin)).page;
  expect(await problemsOf(`locationId=${otherLocation}`)).not.toMatch(/Replay \d/);
  expect(await problemsOf("until=2020-01-01T00:00Z")).not.toMatch(/Replay \d/);
  const narrowed = await problemsOf("from=2020-01-01T00:00:00Z");
  const links = [...narrowed.matchAll(/href="(\/console\/(?:replays\/new|do\/discard)[^"]+)"/g)].map(
    ([, href]) => href,
  );
  expect(links.length).toBeGreaterThan(1);
  for (const href of links) expect(href).toContain("from=2020-01-01T00%3A00%3A00Z");
});

test("all that fit are replayed where it is known of their deliveries, by problems as by what is dead", async () => {
  const offered = async (query: string) => {
    const { page } = await call("GET", `/messages?${query}`, cookies.admin);
    return /href="(\/console\/replays\/new[^"]*)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");
  };
  const ofDead = await offered(`deliveryState=dead&locationId=${locationId}`);
  expect(ofDead).toBe(`/console/replays/new?locationId=${locationId}`);
  expect(await offered(`problems=true&locationId=${locationId}`)).toBe(ofDead);
  for (const other of ["", "&problems=true&direction=inbound", "&deliveryState=dead&state=received"])
    expect([other, await offered(`locationId=${locationId}${other}`)]).toEqual([other, undefined]);
});

test("the list of locations says what is left of the day's calls, and what waits", async () => {
  const { page } = await call("GET", "/locations", cookies.admin);
  expect(page).toContain("Calls left today");
  expect(page).toMatch(/<td>\d{1,3}(,\d{3})*<\/td><td>\d+( or more)?<\/td>/);
});

test("a webhook is shown as a line that a shell posts, with the same bytes, whatever is in it", async () => {
  const id = stage.ids.webhook;
  const { page } = await call("GET", `/webhooks/${id}`, cookies.own);
  const written = /<pre tabindex="0">(echo [^<]+)<\/pre>/.exec(page)?.[1] ?? "";
  const line = written
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&amp;", "&");
  expect(line).toContain(`${publicUrl}/webhooks/`);
  const shell = `curl() { for each in "$@"; do echo "$each" >&2; done; cat; }\n${line}`;
  const { stdout, stderr } = spawnSync("sh", ["-c", shell], { encoding: "utf8" });
  const { body } = await stage.bridge.admin("GET", `/webhooks/${id}`);
  expect(stdout).toBe(Buffer.from(body.bodyBase64, "base64").toString("utf8"));
  expect(stderr.split("\n")).toContain(`content-type: ${body.headers["content-type"]}`);
});

test("a message says to which number it came", async () => {
  const { page } = await call("GET", `/messages/${stage.ids.message}`, cookies.own);
  expect(page).toMatch(/From .*\+15005550006.*to .*\+15005550009/);
});

test("the overview and the metrics of another location's key count nothing of this one's", async () => {
  const figuresOf = async (path: string, cookie: string) =>
    [...(await call("GET", path, cookie)).page.matchAll(/<strong>([^<]+)<\/strong>/g)].map(([, figure]) => figure);
  for (const path of ["", "/metrics?span=24h"]) {
    const isSomething = (figure = "0") => figure !== "0" && figure !== "–";
    await until(
      () => figuresOf(path, cookies.own),
      (figures) => figures.some(isSomething),
    );
    const figures = await figuresOf(path, cookies.other);
    expect(figures.length).toBeGreaterThan(4);
    expect(figures.filter(isSomething)).toEqual([]);
  }
});

test("the overview tells within how long what came was in HighLevel, of what the key reaches", async () => {
  const { body } = await stage.bridge.admin("GET", "/overview");
  expect(body.p95Ms).toBeGreaterThan(0);
  const other = await fetch(`${stage.bridge.url}/admin/overview`, {
    headers: { authorization: `Bearer ${stage.keys.other}` },
  });
  expect(((await other.json()) as { p95Ms: unknown }).p95Ms).toBeNull();
});

test("the first view is small", async () => {
  const { page } = await call("GET", "", cookies.admin);
  const files = [...page.matchAll(/(?:href|src)="(\/console\/console\.[^"]+)"/g)].map(([, path = ""]) => path);
  expect(files).toHaveLength(2);
  const bodies = await Promise.all(files.map(async (path) => (await fetch(`${stage.bridge.url}${path}`)).text()));
  expect(Buffer.byteLength([page, ...bodies].join(""))).toBeLessThan(60_000);
});

/** Where else a writing operation is, or why it is nowhere. */
const elsewhere: Record<string, string> = {
  replayDelivery: "a message that was given up",
  replayDeliveries: "a replay, step by step",
  replayWebhooks: "a replay, step by step",
  createReplay: "Replay, of Problems and of Messages",
  stopReplay: "a replay that runs",
  resumeLocation: "a location that is paused",
  pauseMapping: "a mapping that is not paused",
  beginHold: "Settings, while nothing is held",
  startTrial: "the first steps, where nobody else reaches the bridge",
  previewProvider: "it takes a document beside a webhook: by the API",
};

test("whatever the API changes can be done by clicks", async () => {
  const { bridge } = stage;
  await bridge.admin("POST", "/endpoints", { url: "https://crm.example/hook", events: ["message.received"] });
  await bridge.admin("PUT", "/opt-outs", { locationId, channel: "sms", address: "+15005550077" });
  await bridge.admin("POST", "/providers", JSON.parse(readFileSync("docs/declared/x-clicksend.json", "utf8")));
  await bridge.admin("POST", `/mappings/${stage.ids.mapping}/pause`);
  await bridge.admin("PUT", "/hold");
  const past = { date: "2024-01-31T09:30:00Z", direction: "inbound", person: "+15005550078", text: "hi" };
  const imported = { mappingId: stage.ids.mapping, dryRun: true, messages: [past] };
  expect((await bridge.admin("POST", "/imports", imported)).status).toBe(201);
  // Of a mapping that is paused: what waited does not go out, where HighLevel would not know the contact.
  await bridge.admin("PUT", `/mappings/${stage.ids.mapping}/conversations/%2B15005550006`, { contactId: "c-1" });
  const found = new Set(Object.keys(elsewhere));
  for (const { path } of walksOf(stage).filter(({ route }) => route.startsWith("GET"))) {
    const { page } = await call("GET", path, cookies.admin);
    for (const [, id = ""] of page.matchAll(/(?:href|action)="\/console\/do\/(\w+)/g)) found.add(id);
  }
  const writes = Object.entries(adminOperations).flatMap(([id, each]) => (isWrite(each) ? [id] : []));
  expect(writes.filter((id) => !found.has(id))).toEqual([]);
});

test("what was changed by a form is changed, and what stood there stays", async () => {
  const { body } = await stage.bridge.admin("GET", `/mappings/${stage.ids.mapping}`);
  expect(body).toMatchObject({ name: "Reception", unknownSender: "hold", conversationProviderId: smsProviderId });
});

test("a form takes back nothing that somebody else has changed since, and one that puts begins with what is there", async () => {
  const id = String(stage.ids.mapping);
  const shown = await call("GET", `/do/changeMapping?id=${id}`, cookies.own);
  expect(shown.page).toContain('name="was.name" value="Reception"');
  const form = { id, name: "Reception", "was.name": "Reception", unknownSender: "create", "was.unknownSender": "hold" };
  await stage.bridge.admin("PATCH", `/mappings/${id}`, { name: "Lobby" });
  expect((await call("POST", "/do/changeMapping", cookies.own, form)).status).toBe(200);
  const { body } = await stage.bridge.admin("GET", `/mappings/${id}`);
  expect(body).toMatchObject({ name: "Lobby", unknownSender: "create" });
  const { page } = await call("GET", `/do/putLocation?locationId=${otherLocation}`, cookies.other);
  expect(page).toContain('value="Other"');
});

test("that the operator looked at what people wrote stands in the audit, once an hour for each message", async () => {
  const { id } = (await stage.bridge.admin("GET", "/messages")).body.items[0];
  for (let time = 0; time < 3; time++) expect((await call("GET", `/messages/${id}`, cookies.admin)).status).toBe(200);
  await call("GET", `/messages/${id}`, cookies.own);
  const { items } = await until(
    async () => (await stage.bridge.admin("GET", `/audit?messageId=${id}&limit=200`)).body,
    (found) => found.items.some(({ method }: { method: string }) => method === "GET"),
  );
  const looks = items.filter(({ method }: { method: string }) => method === "GET");
  expect(looks).toMatchObject([{ who: "admin", route: "/admin/messages/:id", ids: { messageId: id } }]);
});

test("no filter lets an integrator see another's location", async () => {
  const { page } = await call("GET", `/messages?locationId=${otherLocation}`, cookies.own);
  expect(page).toContain("Nothing fits");
});

test("messages are given as CSV to whom the list shows them, with their first words", async () => {
  const { page } = await call(
    "GET",
    `/messages/csv?address=${encodeURIComponent(person)}&direction=inbound`,
    cookies.own,
  );
  expect(page).toContain(secretWords);
  const lines = page.trim().split("\n");
  expect(lines[0]).toBe("id,receivedAt,direction,state,address,locationId,mappingId,firstWords");
  expect(lines.slice(1).every((line) => line.includes(person))).toBe(true);
});

test("the frame counts the problems that the key reaches, as the page has them, and from a hundred on no further", async () => {
  const countOf = async (cookie: string) =>
    />Problems(?: \(([\d+]+)\))?<\/a>/.exec((await call("GET", "/settings", cookie)).page)?.[1];
  const { items } = (await stage.bridge.admin("GET", "/problems")).body;
  const sum = items.reduce((total: number, { count }: { count: number }) => total + count, 0);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThan(100);
  expect(await countOf(cookies.admin)).toBe(String(sum));
  expect(await countOf(cookies.own)).toBe(String(sum));
  expect(await countOf(cookies.reading)).toBe(String(sum));
  expect(await countOf(cookies.other)).toBeUndefined();
  for (let index = sum; index < 100; index++) await stage.misdirect(`many-${index}`);
  for (const cookie of [cookies.admin, cookies.own])
    expect(
      await until(
        () => countOf(cookie),
        (count) => count?.length === 3,
      ),
    ).toBe("99+");
  expect(await countOf(cookies.other)).toBeUndefined();
});
