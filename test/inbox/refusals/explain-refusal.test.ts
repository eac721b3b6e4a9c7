import { describe, expect, test } from "vitest";
import { createExplanations, explainRefusal } from "../../../src/inbox/refusals/explain-refusal.ts";
import type { Account } from "../../../src/registry/accounts.ts";
import { providers } from "../../support/providers.ts";

const url = "https://bridge.example.com/webhooks/6f1f2a52-6a52-4a30-9d3c-0d5f3d1c9a11?message=7";
const at = new Date("2026-11-26T12:00:00Z");

const cases = providers.map(({ name, adapter, signer, fixtures }) => {
  const [first] = fixtures;
  if (!first) throw new Error(`${name} has no fixtures`);
  const account = { id: name, adapter, credentials: [signer.credentials] } as unknown as Account;
  const sign = (to = url, credentials = signer.credentials) =>
    signer.sign(first.fixture.request, { url: to, at, credentials });
  const bySomebody = sign(url, signer.foreignCredentials);
  return { name, account, sign, request: sign(), bySomebody };
});
const isTimed = ({ account, request }: (typeof cases)[number]) =>
  account.adapter.signedAt(request).then((time) => time !== undefined);
const timed = (await Promise.all(cases.map(isTimed))).flatMap((is, index) => (is ? (cases[index] ?? []) : []));
const withUrl = cases.filter(({ account }) => account.adapter.proof.coversUrl);

test("there are providers that sign a time, and such that sign the URL", () => {
  expect(timed.map(({ name }) => name)).toEqual(expect.arrayContaining(["telnyx", "mailgun", "generic-sms"]));
  expect(withUrl.map(({ name }) => name)).toContain("twilio");
});

const daySeconds = 86_400;
describe("tells how old a provider's own webhook is that came too late, and of one of the future that a clock is wrong", () => {
  test.each(timed)("$name", async ({ account, request }) => {
    for (const ageSeconds of [3 * daySeconds, -daySeconds]) {
      const late = { ...request, receivedAt: new Date(at.getTime() + ageSeconds * 1000) };
      const told = await explainRefusal(account, late);
      // A token that says when it ends is as old as that is past: MessageBird's live for a minute.
      expect(told).toEqual({ reason: "stale", ageSeconds: expect.any(Number) });
      expect(Math.abs(("ageSeconds" in told ? told.ageSeconds : 0) - ageSeconds)).toBeLessThanOrEqual(60);
    }
  });
});

describe("tells by which address a provider calls that PUBLIC_URL does not say: behind a proxy", () => {
  const named = { host: "10.0.0.3:3000", "x-forwarded-host": "sms.example.org, inner" };
  const calledAt = [
    "http://bridge.example.com",
    "http://10.0.0.3:3000",
    "https://10.0.0.3:3000",
    "https://sms.example.org",
  ];
  test.each(withUrl)("$name", async ({ account, sign }) => {
    for (const fits of calledAt) {
      const called = sign(url.replace("https://bridge.example.com", fits));
      const request = { ...called, url, headers: { ...called.headers, ...named } };
      const publicUrl = "https://bridge.example.com";
      expect(await explainRefusal(account, request)).toEqual({ reason: "other_url", fits, publicUrl });
    }
  });

  test.each(withUrl)("$name: what a stranger says of hosts is never told", async ({ account, sign, bySomebody }) => {
    const forged = { ...bySomebody, headers: { ...bySomebody.headers, ...named } };
    expect(await explainRefusal(account, forged)).toEqual({ reason: "no_match" });
    const elsewhere = { ...sign(url.replace("bridge", "other")), url };
    expect(await explainRefusal(account, elsewhere)).toEqual({ reason: "no_match" });
  });
});

describe("says no more than that nothing matches of what is signed by another secret", () => {
  test.each(cases)("$name", async ({ account, request }) => {
    expect(await explainRefusal({ ...account, credentials: [] }, request)).toEqual({ reason: "no_match" });
  });
});

test("a stranger cannot have it look for long: neither in many requests, nor in a large one", async () => {
  const explain = createExplanations();
  const [{ account, request }] = cases as [(typeof cases)[number]];
  const answers = [];
  for (let i = 0; i < 100; i++) answers.push(await explain({ ...account, id: `${i % 50}` }, { ...request, url: "x" }));
  expect(answers.filter(({ reason }) => reason !== "unverified").length).toBeLessThanOrEqual(30);
  const large = { ...request, body: Buffer.alloc(200_000) };
  expect(await createExplanations()(account, large)).toEqual({ reason: "unverified" });
});
