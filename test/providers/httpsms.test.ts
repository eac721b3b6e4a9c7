import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { declaredProvider } from "../../src/providers/declared/declared-provider.ts";
import { readDraft } from "../../src/providers/declared/document/read-document.ts";
import { httpSms } from "../../src/providers/sms/httpsms.ts";
import { signer } from "../fixtures/httpsms/sign.ts";
import { providerOf } from "../support/providers.ts";

const at = new Date("2026-11-21T10:00:00.000Z");
const now = at.getTime() / 1000;
const url = "https://bridge.example.com/webhooks/5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const credentials = signer.credentials as { signingKey: string };
const fixtureOf = (wanted: string) => {
  const found = providerOf("httpsms").fixtures.find(({ name }) => name === wanted);
  if (!found) throw new Error(`there is no ${wanted}.json`);
  return found.fixture.request;
};

/** The plain text by a token with these claims. */
function withClaims(claims: Record<string, unknown>, header: Record<string, unknown> = { alg: "HS256", typ: "JWT" }) {
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const mac = createHmac("sha256", credentials.signingKey).update(signed).digest("base64url");
  const request = signer.sign(fixtureOf("text"), { url, at });
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${signed}.${mac}` } };
}
const times = { iat: now, nbf: now - 600, exp: now + 600 };

test.each([
  ["as a list", { aud: [url] }, true],
  ["as a text", { aud: url }, true],
  ["among others", { aud: ["https://other.example.com/", url] }, true],
  ["of another account", { aud: [`${url.slice(0, -1)}2`] }, false],
  ["of another host", { aud: [url.replace("bridge", "other")] }, false],
  ["that is the beginning of ours", { aud: [url.slice(0, -1)] }, false],
  ["that is missing", {}, false],
  ["that is null", { aud: null }, false],
  ["in a list of lists", { aud: [[url]] }, false],
])("a token counts for the URL %s: %j", async (_what, aud, isTaken) => {
  expect(await httpSms.verify(withClaims({ ...times, ...aud }), credentials)).toBe(isTaken);
});

test.each([
  ["is over", { ...times, exp: now - 6 }],
  ["is yet to begin", { ...times, nbf: now + 6 }],
  ["was made in the future", { ...times, iat: now + 301 }],
  ["says no time", {}],
  ["has words for a time", { ...times, exp: "never" }],
])("a token that %s does not count", async (_what, claims) => {
  expect(await httpSms.verify(withClaims({ aud: [url], ...claims }), credentials)).toBe(false);
});

test("a token of another algorithm, or of none, does not count", async () => {
  for (const alg of ["none", "HS512", "RS256", undefined]) {
    expect(await httpSms.verify(withClaims({ ...times, aud: [url] }, { alg }), credentials)).toBe(false);
  }
});

test("a message of which the phone's number is missing is a clear error", async () => {
  const request = signer.sign(fixtureOf("text"), { url, at });
  const body = JSON.parse(request.body.toString()) as { data: Record<string, unknown> };
  const without = { ...body, data: { ...body.data, owner: null } };
  const parsed = httpSms.parse({ ...request, body: Buffer.from(JSON.stringify(without)) }, "+15005550009");
  await expect(parsed).rejects.toThrow("data.owner");
});

const file = join(import.meta.dirname, "declared/x-httpsms.json");
const said = declaredProvider(readDraft(JSON.parse(readFileSync(file, "utf8"))));
const given = { signingKey: credentials.signingKey, apiKey: "k", apiUrl: "https://api.httpsms.com/v1" };
const { fixtures, refusals, adapter } = providerOf("httpsms");
/** A file's name in its URL, the country of a phone that the body names, and calls are beyond a document. */
const sayable = fixtures.filter(({ name }) => !/^(mms|national|call)/.test(name));

test.each(sayable)("means the same, said in a document: $name", async ({ fixture: { request, means } }) => {
  const signed = signer.sign(request, { url, at });
  expect(await said.verify(signed, given)).toBe(true);
  expect(await said.verify({ ...signed, url: `${url}1` }, given)).toBe(false);
  expect(JSON.parse(JSON.stringify(await said.parse(signed)))).toEqual(means);
  expect(said.proof).toEqual(adapter.proof);
});

test.each(refusals)("reads the same refusal, said in a document: $about", ({ answer }) => {
  expect(said.readError(answer.body)).toEqual(adapter.readError(answer.body));
});
