import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestBridge, type TestBridge } from "../support/bridge.ts";
import { locationId, publicUrl } from "../support/location.ts";

const attack = `"><script>alert(1)</script><img src=x onerror=alert(1)>'\``;
const oauth = {
  clientId: "app-x",
  clientSecret: "secret",
  authorizeUrl: "https://marketplace.example.com/v2/oauth/chooselocation",
  scopes: "conversations.write",
};
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge({ config: { oauth } });
  bridge.sandbox.setOauth({ clientId: "app-x", clientSecret: "secret", chosen: { locationId } });
});
afterAll(() => bridge.stop());

/** Whatever asks for HTML, as a browser does. */
async function open(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { redirect: "manual", headers: { accept: "text/html", ...headers } });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}
type Opened = Awaited<ReturnType<typeof open>>;

/** Nothing that was given is markup, and if it were, the browser would not run it, load for it, send to it or frame it. */
function expectSafe({ headers, text }: Opened, where: string): void {
  expect(headers.get("x-content-type-options"), where).toBe("nosniff");
  expect(text, where).not.toMatch(/<script>alert|<img|onerror=alert\(1\)>/);
  if (!headers.get("content-type")?.startsWith("text/html")) return;
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy, where).toContain("default-src 'none'");
  expect(policy, where).toContain("base-uri 'none'");
  expect(policy, where).toContain("frame-ancestors 'none'");
  expect(policy, where).toMatch(/form-action '(none|self)'/);
  expect(policy, where).not.toMatch(/unsafe-|data:|https?:|\*/);
  expect(text, where).not.toMatch(/<script(?! src="\/)|<[^>]*(\son\w+=|javascript:)/i);
}

test("no page of the bridge shows what it was given as markup", async () => {
  const given = encodeURIComponent(attack);
  const begun = await fetch(`${bridge.url}/oauth/install`, { redirect: "manual" });
  const cookie = begun.headers.get("set-cookie")?.split(";")[0] ?? "";
  const state = new URL(begun.headers.get("location") ?? "").searchParams.get("state");
  const pages: [path: string, status: number, cookie?: string][] = [
    [`/oauth/callback?error=${given}&error_description=${given}`, 400],
    [`/oauth/callback?error[${given}]=${given}`, 200],
    [`/oauth/callback?error=${given}&error=${given}`, 400],
    [`/oauth/callback`, 200],
    [`/oauth/callback?code=${given}`, 200],
    [`/oauth/callback?code=${given}&state=${given}`, 400],
    [`/oauth/callback?code=${given}&state=${state}`, 400, cookie],
  ];
  for (const [path, status, withCookie] of pages) {
    const page = await open(`${bridge.url}${path}`, withCookie ? { cookie: withCookie } : {});
    expect(page.status, path).toBe(status);
    expect(page.headers.get("content-type"), path).toContain("text/html");
    expect(page.headers.get("cache-control")).toBe("no-store");
    expectSafe(page, path);
  }
});

test("what is no page is none for a browser either: problems, redirects and acknowledgements", async () => {
  const given = encodeURIComponent(attack);
  const paths = [`/${given}`, `/admin/${given}`, `/webhooks/${given}`, "/readyz", "/livez", "/metrics", "/oauth/%ff"];
  for (const path of paths) {
    const answer = await open(`${bridge.url}${path}`);
    expect(answer.headers.get("content-type"), path).toMatch(/^application\/(problem\+)?json/);
    expectSafe(answer, path);
  }
  const redirect = await open(`${bridge.url}/oauth/install?x=${given}`);
  expect(redirect.status).toBe(302);
  expect(redirect.text).not.toContain("<script>");
});

test("the sandbox's inbox shows an email's HTML as text, and what agents and people are called as well", async () => {
  const { sandbox, sandboxUrl } = bridge;
  const contact = sandbox.addContact({ locationId, email: "a@example.org", phone: "+15005550006", name: attack });
  const own = { providerId: "provider-email-extra" };
  sandbox.sendAsAgent(contact.id, { ...own, html: `<p>hello</p>${attack}<svg/onload=alert(1)>`, subject: attack });
  sandbox.sendAsAgent(contact.id, {
    providerId: "provider-sms-extra",
    message: attack,
    attachments: [`https://x.example/${attack}`],
  });
  for (const path of [
    "/",
    "/inbox.js",
    "/inbox.css",
    `/${encodeURIComponent(attack)}`,
    `/v2/oauth/chooselocation?client_id=${encodeURIComponent(attack)}`,
  ]) {
    const page = await open(`${sandboxUrl}${path}`);
    if (path === "/") {
      expect(page.text).toContain("hello");
      expect(page.text).toContain("&lt;script&gt;");
      expectSafe(page, path);
    } else if (page.headers.get("content-type")?.startsWith("text/html")) expectSafe(page, path);
  }
});

test("the address that a page links to is ours, whatever Host the browser was told", async () => {
  const page = await open(`${bridge.url}/oauth/callback`, { host: "evil.example", "x-forwarded-host": "evil.example" });
  expect(page.text).not.toContain("evil.example");
  expect(page.text).toContain(`href="${publicUrl}/oauth/install"`);
});
