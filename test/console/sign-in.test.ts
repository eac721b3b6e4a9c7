import { afterAll, beforeAll, expect, test } from "vitest";
import { adminApiKey, startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { signIn } from "./sign-in.ts";

let bridge: TestBridge;

beforeAll(async () => {
  bridge = await startTestBridge();
});
afterAll(() => bridge.stop());

const get = (cookie: string, path = "/messages") =>
  fetch(`${bridge.url}/console${path}`, { headers: { cookie }, redirect: "manual" });
const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = { origin: publicUrl }) =>
  fetch(`${bridge.url}/console${path}`, {
    ...{ method: "POST", redirect: "manual", headers },
    body: new URLSearchParams(fields),
  });

test("a link of the process leads to a button that signs in once, and does not hold the key", async () => {
  const link = await bridge.started().signInLink();
  expect(link).toMatch(/^https:\/\/[^?]+\/console\/sign-in\?code=[\w-]{43}$/);
  const seen = await get("", link.slice(`${publicUrl}/console`.length));
  expect([seen.status, seen.headers.get("set-cookie")]).toEqual([200, null]);
  const given = new URL(link).searchParams.get("code") ?? "";
  expect(await seen.text()).toContain(`name="code" value="${given}"`);
  const press = () => post("/sign-in", { code: given });
  const answers = await Promise.all([press(), press(), press()]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 401, 401]);
  const cookie = answers.flatMap(({ headers }) => headers.getSetCookie())[0]?.split(";")[0] ?? "";
  expect((await get(cookie)).status).toBe(200);
  const [, code] = (await bridge.started().signInLink()).split("=");
  expect((await get(`__Host-bridge=${code}`)).status).toBe(401);
});

test("without ADMIN_API_KEY the bridge has a key of its own, the same at each start, until one is set", async () => {
  const askBy = (key: string) =>
    fetch(`${bridge.url}/admin/status`, { headers: { authorization: `Bearer ${key}` } }).then(({ status }) => status);
  expect(bridge.started().ownKey).toBeUndefined();
  await bridge.restart({ adminApiKeys: [] });
  const { key = "" } = bridge.started().ownKey ?? {};
  expect(key).toMatch(/^[\w-]{43}$/);
  expect([await askBy(key), await askBy(""), await askBy("undefined"), await askBy(adminApiKey)]).toEqual([
    200, 401, 401, 401,
  ]);
  await bridge.restart();
  expect(bridge.started().ownKey).toEqual({ key, isNew: false });
  await bridge.restart({ adminApiKeys: [adminApiKey] });
  expect([await askBy(key), await askBy(adminApiKey)]).toEqual([401, 200]);
});

test("a stranger is shown the form for a key, and nothing else, wherever they look", async () => {
  for (const path of ["", "/messages/7", "/nothing-there"]) {
    for (const cookie of ["", "__Host-bridge=", `__Host-bridge=${"x".repeat(43)}`, "__Host-bridge=%00"]) {
      const answer = await get(cookie, path);
      expect(answer.status).toBe(401);
      const page = await answer.text();
      expect(page).toContain('name="key"');
      expect(page).toContain(`value="/console${path}"`);
      expect(page).not.toContain("<nav");
    }
  }
});

test("a key opens a session that no script and no other site can use, and leads back", async () => {
  const answer = await post("/sign-in", { key: adminApiKey, back: "/console/messages?state=failed" });
  expect(answer.status).toBe(303);
  expect(answer.headers.get("location")).toBe("/console/messages?state=failed");
  expect(answer.headers.get("set-cookie")).toMatch(
    /^__Host-bridge=[\w-]{43}; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/,
  );
  expect((await get(answer.headers.getSetCookie()[0]?.split(";")[0] ?? "")).status).toBe(200);
});

test.each([
  "//evil.example",
  "https://evil.example/console",
  "/\\evil.example",
  "/console/../admin\n",
  "/consoles",
  "x",
])("nobody is led to %j", async (back) => {
  const answer = await post("/sign-in", { key: adminApiKey, back });
  expect(answer.headers.get("location")).toBe("/console");
});

test("U+0000 in a field is said to stand there, wherever it is given", async () => {
  const cookie = await signIn(bridge, adminApiKey);
  const answers = await Promise.all([
    ...["/search?q=%00", "/messages?address=a%00b", "/messages/1%00", "/locations/%00", "/messages?x%00=1"].map(
      (path) => get(cookie, path),
    ),
    post("/do/createKey", { name: "a\0b", access: "read" }, { origin: publicUrl, cookie }),
    post("/do/putLocation", { id: "a\0b", token: "x" }, { origin: publicUrl, cookie }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 422));
  expect(await answers[0]?.text()).toContain("holds U+0000");
});

test("a session ends by signing out, and with its key", async () => {
  const cookie = await signIn(bridge, adminApiKey);
  expect((await post("/sign-out", {}, { origin: publicUrl, cookie })).status).toBe(303);
  expect((await get(cookie)).status).toBe(401);

  const { body } = await bridge.admin("POST", "/keys", { name: "x", access: "read", locationIds: [locationId] });
  const ofKey = await signIn(bridge, body.key);
  expect((await get(ofKey)).status).toBe(200);
  await bridge.admin("DELETE", `/keys/${body.id}`);
  expect((await get(ofKey)).status).toBe(401);

  const ofAdmin = await signIn(bridge, adminApiKey);
  const next = "another-admin-key-of-more-than-32-characters";
  await bridge.restart({ adminApiKeys: [adminApiKey, next] });
  expect((await get(ofAdmin)).status).toBe(200);
  await bridge.restart({ adminApiKeys: [next] });
  expect((await get(ofAdmin)).status).toBe(401);
  await bridge.restart({ adminApiKeys: [adminApiKey] });
});

test("a form of another origin is refused, wherever it goes", async () => {
  const cookie = await signIn(bridge, adminApiKey);
  for (const origin of ["https://evil.example", "null", "", `${publicUrl}.evil.example`]) {
    for (const path of ["/sign-in", "/sign-out", "/messages/1/replay"]) {
      const answer = await post(path, { key: adminApiKey }, { origin, cookie });
      expect(answer.status, `${path} ${origin}`).toBe(403);
      expect(answer.headers.get("set-cookie")).toBeNull();
    }
  }
  expect((await get(cookie)).status).toBe(200);
});

test("every answer forbids scripts and styles of others, and is kept nowhere", async () => {
  const cookie = await signIn(bridge, adminApiKey);
  for (const path of ["/messages", "/sign-in", "/nothing-there", "/console.css"]) {
    const { headers } = await get(cookie, path);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toMatch(path === "/console.css" ? /immutable/ : /no-store/);
  }
});

test("what is not there is said in words", async () => {
  const answer = await get(await signIn(bridge, adminApiKey), "/nothing-there");
  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain("<nav");
});

test("a link on another site leads to the page all the same: it calls itself, and then the cookie comes along", async () => {
  const answer = await fetch(`${bridge.url}/console`, { headers: { "sec-fetch-site": "cross-site" } });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('http-equiv="refresh"');
});

test("tries to sign in are limited, keep nobody out who has a key, and what was tried is not in the log", async () => {
  const tried = "cb_a-key-that-opens-nothing";
  const statuses: number[] = [];
  for (let index = 0; index < 25; index++) statuses.push((await post("/sign-in", { key: tried })).status);
  expect(statuses).toContain(401);
  expect(statuses.at(-1)).toBe(429);
  expect((await post("/sign-in", { key: adminApiKey })).status).toBe(303);
  expect(JSON.stringify(bridge.logLines)).not.toContain(tried);
});
