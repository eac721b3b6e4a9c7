import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { type AccessTokens, createAccessTokens } from "../../src/access/access-tokens.ts";
import { createInstaller, registerAgencyLocation } from "../../src/access/install.ts";
import { createMarketplaceApp } from "../../src/access/marketplace-app.ts";
import { createCallApi } from "../../src/calls/call-api.ts";
import { createOauthClient } from "../../src/highlevel/oauth.ts";
import { registerLocation } from "../../src/registry/register.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import { findLocation, pauseLocation } from "../../src/store/locations.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";
import { copyMigrated } from "../support/database.ts";
import { until } from "../support/until.ts";

const app = { clientId: "app-sandbox", clientSecret: "secret", scopes: "conversations.write" };
const redirectUri = "https://bridge.example.com/oauth/callback";
const day = 86_399;
const sealer = createSealer([Buffer.alloc(32, 1)]);
const callApi = createCallApi({ timeoutSeconds: 5, maxSockets: 50 });
const logged: { event: string; fields: Record<string, unknown> }[] = [];
const log = (_level: string, event: string, fields = {}) => void logged.push({ event, fields });

let highlevel: { url: string; sandbox: Sandbox; stop(): Promise<void> };
let sandbox: Sandbox;
let owner: Awaited<ReturnType<typeof copyMigrated>>;
/** Three, as of three processes: each with a pool of its own. */
let databases: Database[];
beforeAll(async () => {
  highlevel = await startSandbox({ rateLimit: undefined });
  sandbox = highlevel.sandbox;
  owner = await copyMigrated(inject);
  const open = () => openDatabase({ url: owner.url, poolSize: 4, startSeconds: 10 });
  databases = [await open(), await open(), await open()];
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await owner.drop();
  await highlevel.stop();
  callApi.close();
});

let counter = 0;
let locationId = "";
beforeEach(() => {
  locationId = `location-${++counter}`;
  const { clientId, clientSecret } = app;
  sandbox.setFaults([]);
  sandbox.setOauth({ clientId, clientSecret, accessTokenSeconds: day, refreshGraceSeconds: 0 });
  sandbox.putLocation({ id: locationId, token: `by hand ${locationId}`, providers: [], companyId: "company-1" });
  logged.length = 0;
});

const db = () => (databases[0] as Database).db;
const client = () => createOauthClient({ ...app, callApi, baseUrl: highlevel.url });
/** As of another process: nothing is remembered. */
const accessTokensOf = (index: number): AccessTokens =>
  createAccessTokens({
    db: (databases[index % 3] as Database).db,
    sealer,
    renewal: { findOauth: async () => client(), log, connections: 2 },
  });

async function install(chosen: { locationId: string } | { companyId: string }): Promise<void> {
  sandbox.setOauth({ chosen });
  const authorizeUrl = `${highlevel.url}/v2/oauth/chooselocation`;
  const options = { db: db(), sealer, log, oauth: client(), app: { ...app, authorizeUrl }, redirectUri };
  const installer = createInstaller({ ...options, onConnected: () => undefined });
  const back = await fetch(installer.authorizeUrl("state"), { redirect: "manual" });
  const code = new URL(back.headers.get("location") ?? "").searchParams.get("code");
  await installer.connect(code ?? "");
}
/** Asks HighLevel whether the token is good for this location. */
async function statusOf(token: string | undefined, id = locationId): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, version: "2021-04-15" };
  const url = `${highlevel.url}/conversations/search?locationId=${id}&contactId=x`;
  return (await fetch(url, { headers })).status;
}
const leaveSeconds = (seconds: number) =>
  db().execute(
    sql`update locations set token_expires_at = now() + make_interval(secs => ${seconds}) where id = ${locationId}`,
  );
const paused = async () => (await findLocation(db(), locationId))?.pausedReason;

describe("when a token has expired", () => {
  test("fifty that ask at once, over three processes, make one refresh, and all get the new token", async () => {
    await install({ locationId });
    const instances = [0, 1, 2].map(accessTokensOf);
    const old = await Promise.all(instances.map((tokens) => tokens.get(locationId)));
    await leaveSeconds(-1);
    sandbox.expireAccessTokens();
    for (const tokens of instances) tokens.forget(locationId);
    sandbox.setFaults([{ kind: "delay", delayMs: 100, path: "/oauth/token" }]);

    const before = sandbox.refreshCount();
    const got = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const tokens = instances[index % 3] as AccessTokens;
        if (index % 2 === 1) expect(await tokens.renew(locationId, old[index % 3]?.version ?? 0)).toBe("renewed");
        return (await tokens.get(locationId))?.token;
      }),
    );
    expect(sandbox.refreshCount() - before).toBe(1);
    expect(new Set(got).size).toBe(1);
    expect(got[0]).not.toBe(old[0]?.token);
    expect(await statusOf(got[0])).toBe(200);
  });

  test("an unreachable HighLevel is no refusal: the failure can be retried, and then a token comes", async () => {
    await install({ locationId });
    await leaveSeconds(-1);
    sandbox.setFaults([{ kind: "status", status: 503, path: "/oauth/token", times: 1 }]);
    const tokens = accessTokensOf(0);
    await expect(tokens.get(locationId)).rejects.toMatchObject({ reason: "unavailable" });
    expect(await paused()).toBeNull();
    expect(await statusOf((await tokens.get(locationId))?.token)).toBe(200);
  });

  test("an answer that was lost is given again within HighLevel's 30 seconds", async () => {
    sandbox.setOauth({ refreshGraceSeconds: 30 });
    await install({ locationId });
    await leaveSeconds(-1);
    sandbox.setFaults([{ kind: "no-answer", path: "/oauth/token", times: 1 }]);
    const tokens = accessTokensOf(0);
    await expect(tokens.get(locationId)).rejects.toMatchObject({ reason: "outcome_unknown" });
    expect(await statusOf((await tokens.get(locationId))?.token)).toBe(200);
  });
});

describe("before a token expires", () => {
  test("it is renewed, at least five minutes early", async () => {
    await install({ locationId });
    const tokens = accessTokensOf(0);
    const first = await tokens.get(locationId);
    await leaveSeconds(601);
    tokens.forget(locationId);
    expect(await tokens.get(locationId)).toEqual(first);
    await leaveSeconds(299);
    tokens.forget(locationId);
    const second = await tokens.get(locationId);
    expect(second?.version).toBe((first?.version ?? 0) + 1);
    expect(await statusOf(second?.token)).toBe(200);
  });

  test("the old one is good enough while HighLevel's token endpoint is away, and HighLevel is left alone for a while", async () => {
    await install({ locationId });
    await leaveSeconds(200);
    sandbox.setFaults([{ kind: "status", status: 503, path: "/oauth/token" }]);
    const tokens = accessTokensOf(0);
    const calls = sandbox.callCount("/oauth/token");
    expect(await statusOf((await tokens.get(locationId))?.token)).toBe(200);
    tokens.forget(locationId);
    expect(await statusOf((await tokens.get(locationId))?.token)).toBe(200);
    expect(sandbox.callCount("/oauth/token") - calls).toBe(1);
    expect(logged.map(({ event }) => event)).toContain("token.not_renewed");
  });

  test("nobody waits for another process that is renewing it", async () => {
    await install({ locationId });
    await leaveSeconds(200);
    sandbox.setFaults([{ kind: "delay", delayMs: 1000, path: "/oauth/token" }]);
    const calls = sandbox.callCount("/oauth/token");
    const renewing = accessTokensOf(0).get(locationId);
    await until(
      () => sandbox.callCount("/oauth/token"),
      (count) => count > calls,
    );
    // It gets the old one: had it waited, it would have the new one.
    const old = await accessTokensOf(1).get(locationId);
    expect((await renewing)?.version).toBe((old?.version ?? 0) + 1);
  });
});

describe("after a 401", () => {
  test("a token that was revoked early is renewed once; whoever comes later takes the new one", async () => {
    await install({ locationId });
    const tokens = accessTokensOf(0);
    const used = await tokens.get(locationId);
    sandbox.expireAccessTokens();
    expect(await statusOf(used?.token)).toBe(401);
    const before = sandbox.refreshCount();
    expect(await tokens.renew(locationId, used?.version ?? 0)).toBe("renewed");
    expect(await accessTokensOf(1).renew(locationId, used?.version ?? 0)).toBe("renewed");
    expect(sandbox.refreshCount() - before).toBe(1);
    expect(await statusOf((await tokens.get(locationId))?.token)).toBe(200);
  });

  test("a private integration token cannot be renewed, and takes the place of OAuth tokens when it is put", async () => {
    await install({ locationId });
    await registerLocation({ db: db(), sealer }, { id: locationId, token: `by hand ${locationId}` });
    const tokens = accessTokensOf(0);
    const used = await tokens.get(locationId);
    expect(await statusOf(used?.token)).toBe(200);
    expect(await tokens.renew(locationId, used?.version ?? 0)).toBe("impossible");
    expect(await findLocation(db(), locationId)).toMatchObject({
      sealedRefreshToken: null,
      tokenExpiresAt: null,
      companyId: null,
    });
    expect(await tokens.renew("nobody", 1)).toBe("impossible");
  });
});

describe("a refused refresh", () => {
  test("pauses the location, is not asked again, and ends when the location is connected again", async () => {
    await install({ locationId });
    sandbox.uninstall(locationId);
    await leaveSeconds(-1);
    const before = sandbox.refreshCount();
    await expect(accessTokensOf(0).get(locationId)).rejects.toMatchObject({
      reason: "needs_reauthorization",
      message: expect.stringContaining("invalid_grant"),
    });
    await expect(accessTokensOf(1).get(locationId)).rejects.toMatchObject({ reason: "needs_reauthorization" });
    expect(await accessTokensOf(2).renew(locationId, 1)).toBe("refused");
    expect(sandbox.refreshCount() - before).toBe(1);
    const { tokenVersion = 0 } = (await findLocation(db(), locationId)) ?? {};
    await pauseLocation(db(), { locationId, tokenVersion, reason: "unauthorized", detail: "the 401 that led to it" });
    expect(await paused()).toBe("needs_reauthorization");
    expect(logged).toContainEqual({
      event: "location.paused",
      fields: { locationId, reason: "needs_reauthorization", seconds: undefined },
    });

    await install({ locationId });
    expect(await paused()).toBeNull();
    expect(await statusOf((await accessTokensOf(0).get(locationId))?.token)).toBe(200);
  });

  const suspended = (status: number, message: string, path: string) =>
    sandbox.setFaults([{ kind: "status", path, status, body: { statusCode: status, message } }]);
  const passTime = () => db().execute(sql`update locations set paused_until = now() where id = ${locationId}`);

  test.each([
    [400, "Location is not active"],
    [403, "This sub-account is paused"],
    [401, "Unauthorized"],
  ])("of a location that is suspended ends by itself: %i %s", async (status, message) => {
    await install({ locationId });
    await leaveSeconds(-1);
    suspended(status, message, "/oauth/token");
    const before = sandbox.callCount("/oauth/token");
    const refused = { reason: "unauthorized", message: expect.stringContaining(message) };
    for (const each of [0, 1]) await expect(accessTokensOf(each).get(locationId)).rejects.toMatchObject(refused);
    expect(sandbox.callCount("/oauth/token") - before).toBe(1);
    const paused = await findLocation(db(), locationId);
    expect(paused).toMatchObject({ pausedReason: "unavailable", pausedDetail: expect.stringContaining(message) });
    expect(paused?.pausedUntil?.getTime()).toBeGreaterThan(Date.now() + 200_000);
    await passTime();
    await expect(accessTokensOf(0).get(locationId)).rejects.toMatchObject(refused);
    expect(sandbox.callCount("/oauth/token") - before).toBe(2);
    sandbox.setFaults([]);
    await passTime();
    expect(await statusOf((await accessTokensOf(0).get(locationId))?.token)).toBe(200);
  });

  test("that is about our own client id or secret ends by itself", async () => {
    await install({ locationId });
    await leaveSeconds(-1);
    sandbox.setOauth({ clientSecret: "another" });
    await expect(accessTokensOf(0).get(locationId)).rejects.toMatchObject({
      message: expect.stringContaining("HIGHLEVEL_CLIENT_SECRET"),
    });
    const paused = await findLocation(db(), locationId);
    expect(paused?.pausedReason).toBe("misconfigured");
    expect(paused?.pausedUntil?.getTime()).toBeGreaterThan(Date.now() + 500_000);
    sandbox.setOauth({ clientSecret: app.clientSecret });
    await db().execute(sql`update locations set paused_until = now() where id = ${locationId}`);
    expect(await statusOf((await accessTokensOf(0).get(locationId))?.token)).toBe(200);
  });

  test("for a secret that another process knows to be a former one does not last", async () => {
    const [here, there] = databases.map(({ db }) => createMarketplaceApp({ db, sealer, log, given: {} }));
    await here?.enter(app);
    expect(await there?.find()).toMatchObject({ clientSecret: app.clientSecret });
    await install({ locationId });
    await leaveSeconds(-1);
    sandbox.setOauth({ clientSecret: "the next" });
    const next = { ...app, clientSecret: "the next" };
    await here?.enter(next);
    // It goes by the former one for some seconds yet.
    const late = { ...client(), isOutdated: async () => (await there?.isOutdated(app)) ?? false };
    const renewal = { findOauth: async () => late, log, connections: 2 };
    await expect(createAccessTokens({ db: db(), sealer, renewal }).get(locationId)).rejects.toThrow();
    expect(await paused()).toBeNull();
    expect(await there?.isOutdated(next)).toBe(false);
    await here?.remove();
  });
});

describe("a location of an agency", () => {
  test("gets its token by the agency's, which is renewed first when it has expired", async () => {
    await expect(registerAgencyLocation({ db: db() }, { id: locationId, companyId: "nobody" })).rejects.toMatchObject({
      kind: "invalid",
    });
    await install({ companyId: "company-1" });
    await registerAgencyLocation({ db: db() }, { id: locationId, companyId: "company-1" });
    const tokens = accessTokensOf(0);
    const first = await tokens.get(locationId);
    expect(await statusOf(first?.token)).toBe(200);

    await leaveSeconds(-1);
    await db().execute(sql`update companies set token_expires_at = now() where id = 'company-1'`);
    sandbox.expireAccessTokens();
    const before = sandbox.refreshCount();
    const minted = sandbox.callCount("/oauth/locationToken");
    const instances = [0, 1, 2].map(accessTokensOf);
    const got = await Promise.all(
      Array.from({ length: 30 }, (_, index) => (instances[index % 3] as AccessTokens).get(locationId)),
    );
    expect(new Set(got.map((token) => token?.token)).size).toBe(1);
    expect(await statusOf(got[0]?.token)).toBe(200);
    expect(sandbox.refreshCount() - before).toBe(1);
    expect(sandbox.callCount("/oauth/locationToken") - minted).toBe(1);
  });

  test("gets one too when the agency's token is refused before its time", async () => {
    await install({ companyId: "company-1" });
    await registerAgencyLocation({ db: db() }, { id: locationId, companyId: "company-1" });
    sandbox.expireAccessTokens();
    expect(await statusOf((await accessTokensOf(0).get(locationId))?.token)).toBe(200);
  });

  test("waits with all its like when the agency is refused, and goes on when it is connected again", async () => {
    await install({ companyId: "company-1" });
    await registerAgencyLocation({ db: db() }, { id: locationId, companyId: "company-1" });
    const sibling = `${locationId}-sibling`;
    sandbox.putLocation({ id: sibling, token: sibling, providers: [], companyId: "company-1" });
    await registerAgencyLocation({ db: db() }, { id: sibling, companyId: "company-1" });
    sandbox.uninstall("company-1");
    await db().execute(sql`update companies set token_expires_at = now() where id = 'company-1'`);
    const before = sandbox.refreshCount();
    const instances = [0, 1, 2].map(accessTokensOf);
    const asked = instances.flatMap((tokens) => [tokens.get(locationId), tokens.get(sibling)]);
    for (const outcome of await Promise.allSettled(asked)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "needs_reauthorization" } });
    }
    expect(sandbox.refreshCount() - before).toBe(1);
    expect(await paused()).toBe("needs_reauthorization");
    await install({ companyId: "company-1" });
    expect(await paused()).toBeNull();
    expect(await statusOf((await accessTokensOf(0).get(locationId))?.token)).toBe(200);
  });

  test("waits for its bill to be paid when HighLevel refuses a token for it, and goes on by itself", async () => {
    await install({ companyId: "company-1" });
    await registerAgencyLocation({ db: db() }, { id: locationId, companyId: "company-1" });
    const body = { statusCode: 400, message: "Location is not active" };
    sandbox.setFaults([{ kind: "status", path: "/oauth/locationToken", status: 400, body }]);
    await expect(accessTokensOf(0).get(locationId)).rejects.toMatchObject({ reason: "unauthorized" });
    expect(await paused()).toBe("unavailable");
    sandbox.setFaults([]);
    await db().execute(sql`update locations set paused_until = now() where id = ${locationId}`);
    expect(await statusOf((await accessTokensOf(0).get(locationId))?.token)).toBe(200);
  });

  test("is paused alone when HighLevel refuses a token for it", async () => {
    await install({ companyId: "company-1" });
    const other = { id: `${locationId}-foreign`, companyId: "company-1" };
    sandbox.putLocation({ id: other.id, token: other.id, providers: [], companyId: "company-2" });
    await registerAgencyLocation({ db: db() }, { id: locationId, companyId: "company-1" });
    await registerAgencyLocation({ db: db() }, other);
    await expect(accessTokensOf(0).get(other.id)).rejects.toMatchObject({
      message: expect.stringContaining("Location not found"),
    });
    expect(await paused()).toBeNull();
  });
});

test("many locations whose tokens expire at once leave connections for everything else", async () => {
  const ids = Array.from({ length: 12 }, (_, index) => `${locationId}-${index}`);
  for (const id of ids) {
    sandbox.putLocation({ id, token: `by hand ${id}`, providers: [] });
    await install({ locationId: id });
  }
  await db().execute(sql`update locations set token_expires_at = now() where id like ${`${locationId}-%`}`);
  sandbox.setFaults([{ kind: "delay", delayMs: 300, path: "/oauth/token" }]);
  const tokens = accessTokensOf(0);
  const calls = () => sandbox.callCount("/oauth/token");
  const callsBefore = calls();
  let isOver = false;
  const all = Promise.all(ids.map((id) => tokens.get(id))).finally(() => {
    isOver = true;
  });
  await until(calls, (count) => count > callsBefore);
  await db().execute(sql`select 1`);
  expect(isOver).toBe(false);
  for (const [index, token] of (await all).entries()) expect(await statusOf(token?.token, ids[index])).toBe(200);
});

test("an app that is entered at one process is another's, too, sealed, until it is removed", async () => {
  const [one, other] = databases.map(({ db }) => createMarketplaceApp({ db, sealer, log, given: {} }));
  const secrets = { clientId: "app-entered", clientSecret: "secret-entered", sharedSecret: "shared-entered" };
  expect(await other?.find()).toBeUndefined();
  await one?.enter(secrets);
  expect(await other?.find()).toEqual({ ...secrets, from: "console" });
  expect(await other?.findClientId(db())).toBe("app-entered");
  const rows = await selectRows(db(), sql`select * from marketplace_apps`);
  expect(JSON.stringify(rows)).not.toMatch(/secret-entered|shared-entered/);
  const set = createMarketplaceApp({ db: db(), sealer, log, given: { clientId: "app-set", clientSecret: "s" } });
  expect(await set.find()).toMatchObject({ clientId: "app-set", from: "environment" });
  expect([await one?.remove(), await one?.remove()]).toEqual([true, false]);
});
