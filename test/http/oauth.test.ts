import supertest from "supertest";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { signer as genericSms } from "../fixtures/generic-sms/sign.ts";
import { startTestBridge, type TestBridge, untilPosted } from "../support/bridge.ts";
import { locationId, publicUrl } from "../support/location.ts";
import { until } from "../support/until.ts";

const oauth = {
  clientId: "app-x",
  clientSecret: "secret",
  authorizeUrl: "https://marketplace.example.com/v2/oauth/chooselocation?version_id=7",
  scopes: "conversations.write oauth.write",
};
let bridge: TestBridge;
beforeAll(async () => {
  bridge = await startTestBridge({ config: { oauth } });
});
afterAll(() => bridge.stop());
beforeEach(() => {
  bridge.sandbox.setFaults([]);
  bridge.sandbox.setOauth({ clientId: "app-x", clientSecret: "secret", chosen: { locationId } });
});

/** A browser with one cookie, which follows no redirect by itself. */
async function open(url: string, cookie = "") {
  const answer = await fetch(`${bridge.url}${url.replace(publicUrl, "")}`, { redirect: "manual", headers: { cookie } });
  const [setCookie = ""] = answer.headers.getSetCookie();
  return {
    status: answer.status,
    headers: answer.headers,
    location: answer.headers.get("location") ?? "",
    setCookie,
    cookie: setCookie.split(";")[0] ?? "",
    text: await answer.text(),
  };
}
/** As a person who chooses at HighLevel, and is sent back. */
async function choose(authorizeUrl: string): Promise<string> {
  const { pathname, search } = new URL(authorizeUrl);
  const answer = await supertest(bridge.sandbox.app).get(`${pathname}${search}`);
  return answer.headers["location"] ?? "";
}
async function install() {
  const begun = await open("/oauth/install");
  return open(await choose(begun.location), begun.cookie);
}
const showLocation = async () => (await bridge.admin("GET", `/locations/${locationId}`)).body;

describe("an install that begins here", () => {
  test("sends the browser to HighLevel with what the app asks for, and a cookie that only comes back here", async () => {
    const begun = await open("/oauth/install");
    expect(begun.status).toBe(302);
    const url = new URL(begun.location);
    expect(url.origin + url.pathname).toBe("https://marketplace.example.com/v2/oauth/chooselocation");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      version_id: "7",
      response_type: "code",
      client_id: "app-x",
      redirect_uri: `${publicUrl}/oauth/callback`,
      scope: "conversations.write oauth.write",
      state: expect.stringMatching(/^\d+\.[\w-]{43}$/),
    });
    expect(begun.setCookie).toMatch(
      /^__Host-oauth_install=[\w-]{43}; Max-Age=1800; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(begun.location).not.toContain(begun.cookie.split("=")[1]);
  });

  test("connects the location, and says so on a page without scripts", async () => {
    const done = await install();
    expect(done.status).toBe(200);
    expect(done.text).toContain(`Location ${locationId} is connected.`);
    expect(done.text).not.toContain("<script");
    expect(done.headers.get("content-security-policy")).toMatch(/^default-src 'none';style-src 'sha256-/);
    expect(done.headers.get("cache-control")).toBe("no-store");
    const location = await showLocation();
    expect(location).toMatchObject({ auth: "oauth", name: "Test", paused: null });
    expect(Date.parse(location.tokenExpiresAt)).toBeGreaterThan(Date.now() + 80_000_000);
    expect(JSON.stringify(bridge.logLines)).not.toMatch(/access-|refresh-[0-9a-f]/);
  });

  test("connects an agency, whose locations are then put without a token", async () => {
    const unknown = await bridge.admin("PUT", "/locations/sub-1", { companyId: "agency-1" });
    expect(unknown).toMatchObject({ status: 422, body: { errors: [{ path: "companyId" }] } });
    bridge.sandbox.setOauth({ chosen: { companyId: "agency-1" } });
    expect((await install()).text).toContain("Agency agency-1 is connected.");
    const put = await bridge.admin("PUT", "/locations/sub-1", { companyId: "agency-1", name: "Sub" });
    expect(put).toMatchObject({ status: 200, body: { auth: "agency", companyId: "agency-1", tokenExpiresAt: null } });
    const both = await bridge.admin("PUT", "/locations/sub-1", { companyId: "agency-1", token: "t" });
    expect(both).toMatchObject({ status: 422, body: { errors: [{ path: "token" }] } });
  });

  test("takes the place of a token that was given by hand, and the other way round", async () => {
    await bridge.admin("PUT", `/locations/${locationId}`, { token: "by hand" });
    expect(await showLocation()).toMatchObject({ auth: "token", tokenExpiresAt: null });
    await install();
    expect(await showLocation()).toMatchObject({ auth: "oauth" });
  });
});

describe("a callback that does not belong to this browser connects nothing", () => {
  const expectRefused = async (url: string, cookie?: string) => {
    const exchanges = bridge.sandbox.callCount("/oauth/token");
    const refused = await open(url, cookie);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain("Begin again");
    expect(refused.text).toContain(`href="${publicUrl}/oauth/install"`);
    expect(bridge.sandbox.callCount("/oauth/token")).toBe(exchanges);
  };

  test("a state that was changed", async () => {
    const begun = await open("/oauth/install");
    const back = new URL(await choose(begun.location));
    for (const state of ["", "wrong", "9.x", `${back.searchParams.get("state")}x`, "NaN.abc"]) {
      back.searchParams.set("state", state);
      await expectRefused(back.href, begun.cookie);
    }
  });

  test("a good state without its cookie, or with another browser's", async () => {
    const [mine, other] = [await open("/oauth/install"), await open("/oauth/install")];
    const back = await choose(mine.location);
    await expectRefused(back);
    await expectRefused(back, other.cookie);
    await expectRefused(back, "__Host-oauth_install=");
    await expectRefused(back, mine.cookie.replace("__Host-", ""));
    expect((await open(back, `theme=dark; ${mine.cookie}`)).status).toBe(200);
  });

  test("none at all, as from HighLevel's marketplace: the person begins here instead", async () => {
    const begun = await open("/oauth/install");
    const back = new URL(await choose(begun.location));
    back.searchParams.delete("state");
    const exchanges = bridge.sandbox.callCount("/oauth/token");
    const page = await open(back.href, begun.cookie);
    expect(page.status).toBe(200);
    expect(page.text).toContain("begin here");
    expect(page.text).toContain(`href="${publicUrl}/oauth/install"`);
    expect(bridge.sandbox.callCount("/oauth/token")).toBe(exchanges);
  });
});

describe("when HighLevel says no", () => {
  test("in the redirect, its words are shown and nothing of them is markup", async () => {
    const words = "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E";
    const begun = await open("/oauth/install");
    const state = new URL(begun.location).searchParams.get("state");
    const page = await open(`/oauth/callback?${words}&state=${state}`, begun.cookie);
    expect(page.status).toBe(400);
    expect(page.text).toContain("access_denied");
    expect(page.text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page.text).not.toContain("<script");
  });

  test("in a link that anybody may have written, no words of it are shown as HighLevel's", async () => {
    for (const state of ["", "&state=1.x"]) {
      const page = await open(`/oauth/callback?error=Call+%2B15005550006&error_description=to+get+your+money${state}`);
      expect(page.status).toBe(400);
      expect(page.text).toContain("without a connection.");
      expect(page.text).not.toMatch(/15005550006|money/);
    }
  });

  test("to the code, the page has its words and trace id, and says what to do", async () => {
    const begun = await open("/oauth/install");
    const back = new URL(await choose(begun.location));
    back.searchParams.set("code", "used");
    const page = await open(back.href, begun.cookie);
    expect(page.status).toBe(400);
    expect(page.text).toMatch(/authorization code is invalid.*traceId/);
    expect(page.text).toContain("A code serves once");
    expect((await open(back.href, begun.cookie)).status).toBe(400);
  });

  test("to our client, the page names the settings", async () => {
    bridge.sandbox.setOauth({ clientSecret: "another" });
    const page = await install();
    expect(page.status).toBe(400);
    expect(page.text).toContain("HIGHLEVEL_CLIENT_SECRET");
  });

  test("nothing, because it is away, the page is a 502", async () => {
    bridge.sandbox.setFaults([{ kind: "status", status: 503, path: "/oauth/token" }]);
    const page = await install();
    expect(page.status).toBe(502);
    expect(page.text).toContain("Begin again in a minute");
  });
});

test("codes that one address makes up soon cost no calls any more", async () => {
  await bridge.restart();
  const bogus = async () => {
    const begun = await open("/oauth/install");
    const state = new URL(begun.location).searchParams.get("state");
    return (await open(`/oauth/callback?code=made-up&state=${state}`, begun.cookie)).status;
  };
  const before = bridge.sandbox.callCount("/oauth/token");
  const statuses: number[] = [];
  for (let each = 0; each < 30; each++) statuses.push(await bogus());
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(10);
  expect(bridge.sandbox.callCount("/oauth/token") - before).toBeLessThanOrEqual(20);
  await bridge.restart();
});

let mappingId: string | undefined;
let texts = 0;
async function postText(text: string): Promise<void> {
  const address = "+15005550009";
  mappingId ??= await bridge.addMapping({ provider: "generic-sms", address, credentials: genericSms.credentials });
  const data = { id: `m-${++texts}`, from: "+15005550006", to: address, text };
  const sample = { contentType: "application/json", body: { type: "message.received", data } };
  await bridge.post(genericSms.sign(sample, { url: `${publicUrl}/webhooks/${mappingId}`, at: new Date() }));
}

test("a token that HighLevel refuses before its time is renewed, and the message goes out without burning an attempt", async () => {
  await install();
  const posted = bridge.sandbox.messages().length;
  await postText("first");
  await untilPosted(bridge, posted + 1);
  bridge.sandbox.expireAccessTokens();
  const refreshes = bridge.sandbox.refreshCount();
  await postText("second");
  expect((await untilPosted(bridge, posted + 2)).at(-1)?.body).toBe("second");
  expect(bridge.sandbox.refreshCount() - refreshes).toBe(1);
  const [delivery] = await until(
    async () => (await bridge.admin("GET", `/deliveries?mappingId=${mappingId}`)).body.items,
    ([newest]: { state: string; attempts: number }[]) => newest?.state === "delivered",
  );
  expect(delivery?.attempts).toBe(1);
});

test("a message that waited for the location to be connected again goes out once it is", async () => {
  await install();
  bridge.sandbox.uninstall(locationId);
  const posted = bridge.sandbox.messages().length;
  await postText("hello");
  const paused = await until(showLocation, (location) => location.paused !== null);
  expect(paused.paused).toMatchObject({ reason: "needs_reauthorization", until: null });
  const authorization = "Bearer test-admin-key-of-more-than-32-characters";
  const ready = await fetch(`${bridge.url}/readyz`, { headers: { authorization } });
  expect(await ready.json()).toMatchObject({
    pausedLocations: [{ id: locationId, reason: "needs_reauthorization", until: null }],
  });
  expect(bridge.sandbox.messages()).toHaveLength(posted);

  expect((await install()).status).toBe(200);
  expect((await untilPosted(bridge, posted + 1)).at(-1)?.body).toBe("hello");
  expect(await showLocation()).toMatchObject({ paused: null, auth: "oauth" });
});

test("404 that names the settings, while no app is configured", async () => {
  const { authorizeUrl, scopes } = oauth;
  await bridge.restart({ oauth: { authorizeUrl, scopes } });
  for (const path of ["/oauth/install", "/oauth/callback?code=x"]) {
    const answer = await open(path);
    expect(answer.status).toBe(404);
    expect(answer.text).toMatch(/HIGHLEVEL_CLIENT_ID and HIGHLEVEL_CLIENT_SECRET/);
  }
});

test("an app that is entered connects locations until it is removed, and its secrets are shown to nobody", async () => {
  const entered = { clientId: "app-x", clientSecret: "secret", sharedSecret: "a-shared-secret-of-enough-letters" };
  expect((await bridge.admin("GET", "/app")).body).toEqual({ clientId: null, from: null, hasSharedSecret: false });
  expect((await bridge.admin("PUT", "/app", { ...entered, clientId: "app" })).status).toBe(422);
  const shown = { clientId: "app-x", from: "console", hasSharedSecret: true };
  expect(await bridge.admin("PUT", "/app", entered)).toMatchObject({ status: 200, body: shown });
  expect((await bridge.admin("GET", "/app")).body).toEqual(shown);
  expect((await install()).text).toContain(`Location ${locationId} is connected.`);
  expect(JSON.stringify(bridge.logLines)).not.toContain(entered.sharedSecret);
  expect((await bridge.admin("DELETE", "/app")).status).toBe(204);
  expect((await bridge.admin("DELETE", "/app")).status).toBe(404);
  expect((await open("/oauth/install")).status).toBe(404);
});

test("the environment's app wins, and no other one can be entered beside it", async () => {
  await bridge.restart({ oauth });
  const entered = { clientId: "app-y", clientSecret: "another" };
  expect((await bridge.admin("PUT", "/app", entered)).status).toBe(409);
  expect((await bridge.admin("GET", "/app")).body).toMatchObject({ clientId: "app-x", from: "environment" });
});

test("what waited for the app's secret to be corrected goes out after the next start", async () => {
  await install();
  bridge.sandbox.expireAccessTokens();
  bridge.sandbox.setOauth({ clientSecret: "another" });
  await postText("waits for the secret");
  const { paused } = await until(showLocation, (location) => location.paused !== null);
  expect(paused).toMatchObject({ reason: "misconfigured", detail: expect.stringContaining("HIGHLEVEL_CLIENT_SECRET") });
  await bridge.restart({ oauth: { ...oauth, clientSecret: "another" } });
  await until(
    () => bridge.sandbox.messages(),
    (messages) => messages.some(({ body }) => body === "waits for the secret"),
  );
});

test("a pause is lifted by hand, also of one location alone; without a token there is nothing to go on with", async () => {
  await bridge.admin("PUT", "/locations/by-hand", { token: "revoked" });
  expect((await bridge.admin("POST", "/locations/by-hand/resume")).body).toMatchObject({ id: "by-hand", paused: null });
  expect((await bridge.admin("POST", "/locations/nobody/resume")).status).toBe(404);
  expect((await bridge.admin("GET", "/locations?paused=perhaps")).status).toBe(422);
  expect((await bridge.admin("GET", "/locations?paused=true")).body).toEqual({ items: [], nextCursor: null });
});
