import supertest from "supertest";
import { beforeEach, expect, test } from "vitest";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";

const redirectUri = "https://bridge.example.com/oauth/callback";
const client = { client_id: "app-x", client_secret: "secret" };
let sandbox: Sandbox;
beforeEach(() => {
  sandbox = createSandbox({ rateLimit: undefined });
  sandbox.setOauth({ clientId: "app-x", clientSecret: "secret" });
  sandbox.putLocation({ id: "loc", token: "pit", providers: [], companyId: "agency" });
});

async function chooseLocation(): Promise<string> {
  const query = { response_type: "code", client_id: "app-x", redirect_uri: redirectUri, scope: "a b", state: "s" };
  const answer = await supertest(sandbox.app).get("/v2/oauth/chooselocation").query(query).expect(302);
  const back = new URL(answer.headers["location"] ?? "");
  expect(back.searchParams.get("state")).toBe("s");
  return back.searchParams.get("code") ?? "";
}
const token = (form: Record<string, string>) =>
  supertest(sandbox.app)
    .post("/oauth/token")
    .type("form")
    .send({ ...client, ...form });
const exchange = async () =>
  token({ grant_type: "authorization_code", code: await chooseLocation(), redirect_uri: redirectUri });
const refresh = (refreshToken: string) => token({ grant_type: "refresh_token", refresh_token: refreshToken });
const search = (accessToken: string) =>
  supertest(sandbox.app)
    .get("/conversations/search?locationId=loc&contactId=x")
    .set({ authorization: `Bearer ${accessToken}`, version: "2021-04-15" });

test("a code serves once, for its own redirect URL and client", async () => {
  const code = await chooseLocation();
  const form = { grant_type: "authorization_code", code, redirect_uri: redirectUri };
  const wrong = await token({ ...form, client_secret: "wrong" });
  expect(wrong).toMatchObject({ status: 401, body: { error: "invalid_client" } });
  const { body } = await token(form).expect(200);
  expect(body).toMatchObject({ userType: "Location", locationId: "loc", companyId: "agency", expires_in: 86_399 });
  await search(body.access_token).expect(200);
  expect((await token(form)).body.error).toBe("invalid_grant");
  const other = { ...form, code: await chooseLocation(), redirect_uri: "https://evil.example.com" };
  expect((await token(other)).status).toBe(400);
});

test("a refresh token serves once, and gives the same pair again within the time of grace", async () => {
  const { body: first } = await exchange();
  const { body: second } = await refresh(first.refresh_token).expect(200);
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect((await refresh(first.refresh_token)).body).toEqual(second);
  await supertest(sandbox.app).put("/_sandbox/oauth").send({ refreshGraceSeconds: 0 }).expect(200);
  expect(await refresh(first.refresh_token)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  expect(sandbox.refreshCount()).toBe(3);
  expect((await supertest(sandbox.app).get("/_sandbox/oauth")).body).toEqual({ refreshes: 3 });
});

test("an access token that has expired is a 401", async () => {
  sandbox.setOauth({ accessTokenSeconds: 0 });
  const { body } = await exchange();
  const refused = await search(body.access_token);
  expect(refused).toMatchObject({ status: 401, body: { message: "Invalid token: access token is invalid" } });
  sandbox.setOauth({ accessTokenSeconds: 60 });
  const { body: next } = await refresh(body.refresh_token);
  await search(next.access_token).expect(200);
  await supertest(sandbox.app).delete("/_sandbox/oauth/access-tokens").expect(200);
  await search(next.access_token).expect(401);
});

test("an agency's token reaches no conversations, and yields its own locations' tokens", async () => {
  sandbox.setOauth({ chosen: { companyId: "agency" } });
  sandbox.putLocation({ id: "foreign", token: "other", providers: [], companyId: "other" });
  const { body } = await exchange();
  expect(body).toMatchObject({ userType: "Company", companyId: "agency" });
  expect(body.locationId).toBeUndefined();
  await search(body.access_token).expect(401);
  const mint = (locationId: string, accessToken = body.access_token) =>
    supertest(sandbox.app)
      .post("/oauth/locationToken")
      .set({ authorization: `Bearer ${accessToken}`, version: "2021-07-28" })
      .type("form")
      .send({ companyId: "agency", locationId });
  const minted = await mint("loc").expect(200);
  await search(minted.body.access_token).expect(200);
  await mint("foreign").expect(400);
  await mint("loc", "pit").expect(401);
});
