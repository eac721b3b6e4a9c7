import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBrowser } from "../support/browser.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";
import { sealUserContext } from "../support/user-context.ts";
import { otherLocation, person, type Stage, secretWords, startStage } from "./stage.ts";
import { walksOf } from "./walks.ts";

const sharedSecret = "a-shared-secret-of-enough-letters";
const oauth = { clientId: "app-x", clientSecret: "secret", sharedSecret, scopes: "a", authorizeUrl: publicUrl };
const user = { userId: "u1", companyId: "c1", role: "admin", type: "location", activeLocation: locationId };

let stage: Stage;
/** HighLevel's page around ours, on another site. */
let around: Server;
let origin: string;
/** What it tells its frames. */
let told: unknown = user;
let browser: Browser | undefined;

beforeAll(async () => {
  [stage, browser] = [await startStage(), await startBrowser()];
  around = createServer((_req, res) => {
    res.setHeader("content-type", "text/html");
    res.end(`<!doctype html><title>HighLevel</title><iframe title="app" width="1000" height="700" src="${stage.bridge.url.replace("localhost", "127.0.0.1")}/console/inside"></iframe>
<script>addEventListener("message", ({ source, data }) => {
  if (data.message === "REQUEST_USER_DATA")
    source.postMessage({ message: "REQUEST_USER_DATA_RESPONSE", payload: ${JSON.stringify(sealUserContext(told, sharedSecret))} }, "*");
})</script>`);
  });
  await new Promise<void>((resolve) => around.listen(0, "127.0.0.1", resolve));
  origin = `http://localhost:${(around.address() as AddressInfo).port}`;
  await stage.bridge.restart({ oauth, publicUrl: "http://127.0.0.1", appOrigins: [origin] });
});
afterAll(async () => {
  await browser?.close();
  around.close();
  await stage.bridge.stop();
});

const call = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${stage.bridge.url}/console${path}`, { redirect: "manual", headers });
const bring = (context: string, from = "http://127.0.0.1") =>
  fetch(`${stage.bridge.url}/console/inside`, {
    ...{ method: "POST", redirect: "manual", headers: { origin: from } },
    body: new URLSearchParams({ context }),
  });
async function signIn(who: unknown = user): Promise<string> {
  const answer = await bring(sealUserContext(who, sharedSecret));
  expect(answer.status).toBe(303);
  return answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

describe.sequential("the console inside HighLevel", () => {
  test("a user of the location is let in by a cookie that other sites do not have sent", async () => {
    const answer = await bring(sealUserContext(user, sharedSecret));
    expect(answer.headers.get("location")).toBe("/console/messages");
    expect(answer.headers.get("set-cookie")).toMatch(
      /^bridge-inside=[\w-]{43}; Max-Age=3600; Path=\/; Expires=[^;]+; HttpOnly; Secure; Partitioned; SameSite=None$/,
    );
  });

  test("frames of HighLevel's pages alone show it, and nothing else of the console", async () => {
    const cookie = await signIn();
    const policyOf = async (path: string, headers: Record<string, string> = {}) =>
      (await call(path, headers)).headers.get("content-security-policy");
    for (const answer of [await call("/inside"), await call("/messages", { cookie })]) {
      expect(answer.headers.get("content-security-policy")).toContain(`frame-ancestors ${origin}`);
      expect(answer.headers.get("x-frame-options")).toBeNull();
    }
    expect(await policyOf("/sign-in")).toContain("frame-ancestors 'none'");
    expect(await policyOf("/messages")).toContain("frame-ancestors 'none'");
  });

  test("who has no session in a frame is asked for it again", async () => {
    const answer = await call("/messages", { "sec-fetch-dest": "iframe" });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/console/inside"]);
  });

  test("it has the location's messages, problems, live page and opt-outs, and nothing else", async () => {
    const cookie = await signIn();
    const statuses: Record<string, number> = {};
    const paths = [
      "/messages",
      `/messages/${stage.ids.message}`,
      "/problems",
      "/live",
      "/lists/opt-outs",
      "/lists/replays",
      "/replays/new",
      "/do/putOptOut",
    ];
    const others = [
      "/settings",
      "/Settings",
      "/mappings",
      "/locations",
      "/webhooks",
      "/lists/keys",
      "/do/createEndpoint",
    ];
    for (const path of [...paths, ...others]) statuses[path] = (await call(path, { cookie })).status;
    expect(paths.map((path) => statuses[path])).toEqual(paths.map(() => 200));
    expect(others.map((path) => statuses[path])).toEqual(others.map(() => 404));
    const page = await (await call("/messages", { cookie })).text();
    expect(page).toContain("+1500555");
    const elsewhere = await signIn({ ...user, activeLocation: otherLocation });
    expect(await (await call("/messages", { cookie: elsewhere })).text()).not.toContain("+1500555");
    expect((await call(`/messages/${stage.ids.message}`, { cookie: elsewhere })).status).toBe(404);
  });

  test("each of its links leads to something that is there", async () => {
    const cookie = await signIn();
    const follow = (href: string) => fetch(`${stage.bridge.url}${href}`, { headers: { cookie } });
    const told = await call("/nothing-of-that-name", { cookie });
    expect(told.status).toBe(404);
    const pages = [told];
    for (const path of ["/messages", `/messages/${stage.ids.message}`, "/problems", "/live", "/lists/opt-outs"])
      pages.push(await call(path, { cookie }));
    const found = await Promise.all(
      pages.map(async (page) => [...(await page.text()).matchAll(/href="(\/console[^"]*)"/g)]),
    );
    const hrefs = new Set(found.flat().map(([, href = ""]) => href.replaceAll("&amp;", "&")));
    expect(hrefs.size).toBeGreaterThan(8);
    for (const href of hrefs) expect([href, (await follow(href)).status]).toEqual([href, 200]);
  });

  test("every page and button that is walked is either one of those, of its location alone, or not there", async () => {
    const [cookie, elsewhere] = [await signIn(), await signIn({ ...user, activeLocation: otherLocation })];
    const own = [
      "/messages",
      "/problems",
      "/replays",
      "/live",
      "/lists/opt-outs",
      "/lists/replays",
      "/do/putOptOut",
      "/do/importOptOuts",
      "/do/replayDelivery",
      "/do/discard",
    ];
    const isOwn = (path: string) => own.some((each) => path.startsWith(each));
    let walked = 0;
    for (const { route, path } of walksOf(stage).filter(({ isStream }) => !isStream)) {
      const press = (by: string) =>
        fetch(`${stage.bridge.url}/console${path}`, {
          ...{ method: "POST", redirect: "manual", headers: { cookie: by, origin: "http://127.0.0.1" } },
        });
      if (route.startsWith("POST") && isOwn(path)) continue;
      const [answer, other] = await Promise.all(
        [cookie, elsewhere].map((by) => (route.startsWith("POST") ? press(by) : call(path, { cookie: by }))),
      );
      // What is the overview elsewhere leads to the messages.
      expect([path, answer?.status === 404]).toEqual([path, !isOwn(path) && path !== ""]);
      expect(await other?.text()).not.toMatch(new RegExp(`${secretWords}|\\${person}<`));
      walked++;
    }
    expect(walked).toBeGreaterThan(40);
  });

  test("who is no admin there changes nothing", async () => {
    const optOut = (cookie: string, from: string) =>
      fetch(`${stage.bridge.url}/console/do/putOptOut`, {
        ...{ method: "POST", redirect: "manual", headers: { cookie, origin: from } },
        body: new URLSearchParams({ locationId, channel: "sms", address: "+15005550088" }),
      });
    const [reading, writing] = [await signIn({ ...user, role: "user" }), await signIn()];
    expect((await optOut(reading, "http://127.0.0.1")).status).toBe(403);
    expect((await optOut(writing, origin)).status).toBe(403);
    expect((await optOut(writing, "http://127.0.0.1")).status).toBeLessThan(400);
    const { body } = await stage.bridge.admin("GET", "/audit");
    expect(body.items[0]).toMatchObject({ who: "user u1", method: "PUT", route: "/admin/opt-outs" });
  });

  test("an admin there has many replayed, of that location alone, and sees how far it is; nobody else does", async () => {
    const press = (path: string, cookie: string, fields: Record<string, string>) =>
      fetch(`${stage.bridge.url}/console${path}`, {
        ...{ method: "POST", redirect: "manual", headers: { cookie, origin: "http://127.0.0.1" } },
        body: new URLSearchParams(fields),
      });
    const all = { of: "deliveries", kind: "post-inbound", perSecond: "7" };
    const [own, reading] = [await signIn(), await signIn({ ...user, role: "user" })];
    const elsewhere = await signIn({ ...user, activeLocation: otherLocation });
    expect((await press("/replays", reading, all)).status).toBe(403);
    const begun = await press("/replays", own, all);
    expect(begun.status).toBe(303);
    const path = (begun.headers.get("location") ?? "").replace("/console", "");
    expect(await (await call(path, { cookie: own })).text()).toMatch(/<dd>user u1<\/dd>/);
    expect((await call(path, { cookie: elsewhere })).status).toBe(404);
    expect((await stage.bridge.admin("GET", path)).body).toMatchObject({
      ...{ who: "user u1", perSecond: 7, filter: { locationId } },
    });
    // Whatever location is named.
    const other = await press("/replays", elsewhere, { ...all, locationId });
    const kept = (await stage.bridge.admin("GET", (other.headers.get("location") ?? "").replace("/console", ""))).body;
    expect(kept).toMatchObject({ counted: 0, filter: { locationId: otherLocation } });
    const finished = await until(
      () => stage.bridge.admin("GET", path),
      ({ body }) => body.state !== "running",
    );
    expect(finished.body.state).toBe("done");
  });

  test("what is forged, another's, of no location here, or too large lets nobody in, and is not told apart", async () => {
    const pages = new Set<string>();
    for (const context of [
      "x",
      sealUserContext(user, "another-secret-of-enough-letters"),
      sealUserContext({ ...user, activeLocation: "somewhere-else" }, sharedSecret),
      sealUserContext({ ...user, activeLocation: "" }, sharedSecret),
      sealUserContext({ ...user, activeLocation: "location-1' or '1'='1" }, sharedSecret),
    ]) {
      const answer = await bring(context);
      expect([answer.status, answer.headers.get("set-cookie")]).toEqual([401, null]);
      pages.add(await answer.text());
    }
    expect(pages.size).toBe(1);
    expect((await bring("x".repeat(50_000))).status).toBe(413);
    expect((await bring(sealUserContext(user, sharedSecret), origin)).status).toBe(403);
    expect(JSON.stringify(stage.bridge.logLines)).not.toContain(sharedSecret);
  });

  test("however many forge, behind the same proxy, users are let in; and those of other locations forge nothing", async () => {
    const elsewhere = sealUserContext({ ...user, activeLocation: "somewhere-else" }, sharedSecret);
    for (let count = 0; count < 25; count++) expect((await bring(elsewhere)).status).toBe(401);
    const statuses: number[] = [];
    for (let count = 0; count < 25; count++) statuses.push((await bring("x")).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    await signIn();
    expect((await bring(elsewhere)).status).toBe(401);
  });

  test("a token of one cookie is worth nothing in the other's hands, and sessions end with the secret and the location", async () => {
    const cookie = await signIn();
    const token = cookie.split("=")[1] ?? "";
    expect((await call("/settings", { cookie: `bridge=${token}` })).status).toBe(404);
    await stage.bridge.restart({ oauth: { ...oauth, sharedSecret: "the-next-secret-of-enough-letters" } });
    expect((await call("/messages", { cookie })).status).toBe(401);
    await stage.bridge.restart({ oauth });
    const elsewhere = await signIn({ ...user, activeLocation: otherLocation });
    await stage.bridge.admin("DELETE", `/locations/${otherLocation}`);
    expect((await call("/messages", { cookie: elsewhere })).status).toBe(401);
  });

  test("a user's oldest sessions end when there are many, and nobody else's", async () => {
    const other = await signIn();
    const cookies: string[] = [];
    for (let count = 0; count < 21; count++) cookies.push(await signIn({ ...user, userId: "u2" }));
    const statusOf = async (cookie = "") => (await call("/messages", { cookie })).status;
    expect([await statusOf(cookies[0]), await statusOf(cookies[1]), await statusOf(cookies[20])]).toEqual([
      401, 200, 200,
    ]);
    expect(await statusOf(other)).toBe(200);
  });

  test("without a shared secret nobody is let in", async () => {
    const { sharedSecret: _none, ...without } = oauth;
    await stage.bridge.restart({ oauth: without });
    expect((await bring(sealUserContext(user, sharedSecret))).status).toBe(401);
    await stage.bridge.restart({ oauth });
  });

  test("in a browser, a page of HighLevel's on another site shows the messages of its location", async (context) => {
    if (!browser) return context.skip();
    told = user;
    const page = await browser.newPage();
    await page.goto(origin);
    const frame = page.frameLocator("iframe");
    await frame.getByRole("heading", { name: "Messages" }).waitFor();
    expect(await frame.getByRole("link").allTextContents()).toEqual(
      expect.arrayContaining(["Messages", expect.stringMatching(/^Problems( \(\d+\))?$/), "Live", "Opt-outs"]),
    );
    expect(await frame.getByRole("link", { name: "Settings" }).count()).toBe(0);
    await frame.getByRole("link", { name: "Problems" }).click();
    await frame.getByRole("heading", { name: "Problems" }).waitFor();
    expect(await isShownBy(page, `http://127.0.0.1:${(around.address() as AddressInfo).port}`)).toBe(false);
  });

  /** Does another page get to show it? */
  async function isShownBy(page: Page, other: string): Promise<boolean> {
    await page.goto(other);
    const refused = page.waitForEvent("console", (line) => line.text().includes("frame-ancestors"));
    await page.reload();
    await refused;
    return (await page.frameLocator("iframe").getByText("Conversation Bridge").count()) > 0;
  }
});
