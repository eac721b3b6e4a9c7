import { expect, test } from "vitest";
import { type CheckedLocation, checkLocation } from "../../src/checks/check-location.ts";
import { Failure } from "../../src/errors.ts";
import type { ReadScope } from "../../src/highlevel/checks.ts";

const location: CheckedLocation = { id: "loc", pausedReason: null, pausedUntil: null, pausedDetail: null };
const allScopes = [
  ...["conversations.readonly", "conversations.write", "conversations/message.readonly"],
  ...["conversations/message.write", "contacts.readonly", "contacts.write"],
];
/** As HighLevel's are seen to be: a JWT with claims, of which nobody checks the signature here. */
const tokenOf = (scopes: string[]) => {
  const payload = { authClass: "Location", oauthMeta: { client: "app", scopes } };
  return `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.signature`;
};

async function check(
  given: { token?: string | Failure | undefined; refusals?: Partial<Record<ReadScope, Failure>> },
  checked: Partial<CheckedLocation> = {},
) {
  const asked: string[] = [];
  const { refusals = {} } = given;
  const context = {
    accessTokens: {
      async get() {
        if (given.token instanceof Failure) throw given.token;
        return given.token === undefined ? undefined : { token: given.token, version: 1 };
      },
    },
    highlevel: {
      listProviders: async () => [],
      async askByScope(_access: unknown, scope: ReadScope) {
        asked.push(scope);
        const refusal = refusals[scope];
        if (refusal) throw refusal;
      },
    },
  };
  const { findings, access } = await checkLocation(context, { ...location, ...checked }, AbortSignal.timeout(10_000));
  return { asked, access, found: findings.map(({ check, state, detail }) => `${check} ${state}: ${detail}`) };
}

test("an OAuth token tells its scopes itself, with one call to see that it is taken", async () => {
  const { asked, found } = await check({ token: tokenOf(allScopes) });
  expect(asked).toEqual(["conversations.readonly"]);
  expect(found).toEqual([
    "pause ok: the location is not paused",
    "token ok: HighLevel takes the location's token",
    "scopes ok: the token has all scopes that the bridge needs",
  ]);
});

test("what an OAuth token lacks is named, also what could not be tried without writing", async () => {
  const { found } = await check({ token: tokenOf(allScopes.filter((scope) => !scope.endsWith("write"))) });
  expect(found[2]).toMatch(
    /^scopes failure: .*lacks conversations\.write, conversations\/message\.write, contacts\.write/,
  );
});

test("another token is tried, and said to be known for reading alone", async () => {
  const { asked, found, access } = await check({ token: "pit-of-the-location" });
  expect(asked).toEqual(["conversations.readonly", "conversations/message.readonly", "contacts.readonly"]);
  expect(found[2]).toMatch(/^scopes ok: .*whether it may write shows only when it does/);
  expect(access).toMatchObject({ locationId: "loc", token: "pit-of-the-location" });
});

test("a location without a token is asked nothing", async () => {
  const { asked, found, access } = await check({ token: undefined });
  expect([asked, access]).toEqual([[], undefined]);
  expect(found[1]).toBe("token failure: the location has no token");
});

test.each([
  [new Failure("needs_reauthorization", "the refresh token is refused"), "failure"],
  [new Failure("unavailable", "HTTP 503"), "warning"],
])("a token that could not be renewed is told with its reason: %s", async (token, state) => {
  expect((await check({ token })).found[1]).toMatch(new RegExp(`^token ${state}: .*${token.message}`));
});

test("of a call that fails midway the scopes are unclear, not lacking", async () => {
  const refusals = { "contacts.readonly": new Failure("unavailable", "HTTP 503", { status: 503 }) };
  expect((await check({ token: "pit-1", refusals })).found[2]).toMatch(/^scopes warning: HighLevel could not be asked/);
});

test.each<[string, Partial<CheckedLocation>, RegExp]>([
  [
    "until it is connected again",
    { pausedReason: "unauthorized", pausedDetail: "HTTP 401" },
    /^pause failure: .*HTTP 401/,
  ],
  ["for a while", { pausedReason: "throttled", pausedUntil: new Date("2999-01-01") }, /^pause warning: .*2999/],
  ["no longer", { pausedReason: "throttled", pausedUntil: new Date("2001-01-01") }, /^pause ok/],
])("a location that is paused %s is found so", async (_how, paused, words) => {
  expect((await check({ token: "t" }, paused)).found[0]).toMatch(words);
});
