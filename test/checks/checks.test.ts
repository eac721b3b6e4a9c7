import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createChecks } from "../../src/checks/checks.ts";
import { Failure } from "../../src/errors.ts";
import type { Mapping } from "../../src/registry/mappings.ts";
import { putLocation } from "../../src/store/locations.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { answerChecks, readCheckFixtures } from "../support/check-fixtures.ts";
import { openMigrated } from "../support/database.ts";
import { publicUrl } from "../support/location.ts";
import { allCredentials, providerOf } from "../support/providers.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 2);
  await putLocation(database.db, { id: "loc", sealedToken: "sealed" });
});
afterAll(() => database.close());

const provider = providerOf("twilio");
const id = "11111111-8b86-4d11-b42d-00c04fc964ff";
const mapping: Mapping = {
  ...{
    id,
    accountId: id,
    movedTo: null,
    movedAt: null,
    locationId: "loc",
    provider: "twilio",
    adapter: provider.adapter,
    channel: "sms",
    address: "+15005550006",
  },
  ...{
    conversationProviderId: "extra",
    callProviderId: null,
    type: "Custom",
    unknownSender: "create",
    postAutomatic: false,
  },
  ...{
    postLists: "people",
    onUnknownOutcome: "repost",
    stripQuoted: false,
    replyTokens: false,
    listUnsubscribe: false,
    dmarcFailures: "post",
    isDeleted: false,
  },
  credentials: [allCredentials(provider)],
};
const webhookUrl = `${publicUrl}/webhooks/${id}`;

function checksWith(sample: string, ids = ["extra"], askByScope = async () => {}) {
  const fixture = readCheckFixtures("twilio").find(({ name }) => name === sample)?.fixture ?? { exchanges: [] };
  const { callApi, requests } = answerChecks(fixture);
  const listProviders = async () => ids.map((each) => ({ id: each, name: each, isDefault: false }));
  const accessTokens = { get: async () => ({ token: "t", version: 1 }) };
  const ways = { callProvider: callApi, callApi, publicUrl, callsPerDay: 180_000, findApp: async () => undefined };
  const context = { people: database.people, accessTokens, ...ways };
  return { requests, checks: createChecks({ ...context, highlevel: { listProviders, askByScope } }) };
}

test("a new mapping has no warnings where all is well, although its webhookUrl is not pasted yet", async () => {
  expect(await checksWith("other-url").checks.newMapping(mapping, webhookUrl)).toEqual([]);
});

test("a new mapping is told at once of credentials, provider ids and scopes that do not fit", async () => {
  const lacking = new Failure("unauthorized", "HTTP 401: The token is not authorized for this scope.", { status: 401 });
  const { checks } = checksWith("wrong-token", [], () => Promise.reject(lacking));
  const found = await checks.newMapping(mapping, webhookUrl);
  expect(found.map(({ check, state }) => `${check} ${state}`)).toEqual([
    ...["credentials failure", "scopes failure", "conversationProvider failure"],
  ]);
});

test("a mapping whose location is gone is told so", async () => {
  const found = await checksWith("other-url").checks.newMapping({ ...mapping, locationId: "gone" }, webhookUrl);
  expect(found).toMatchObject([{ check: "token", state: "failure", detail: "the location gone is not registered" }]);
});

test("accounts are asked about one at a time, however many callers ask", async () => {
  const { checks, requests } = checksWith("all-well");
  const account = { ...mapping, credentials: mapping.credentials[0], webhookUrl, addresses: [mapping.address] };
  const [one, other] = await Promise.all([checks.account("a", account), checks.account("a", account)]);
  expect(requests).toHaveLength(2);
  expect(one).toBe(other);
  expect(one.state).toBe("failure");
  expect(one.checks.at(-1)).toMatchObject({
    check: "webhook",
    detail: expect.stringContaining("another URL of this bridge"),
  });
});
