import { describe, expect, test } from "vitest";
import type { ApiRequest } from "../../src/calls/call-api.ts";
import { Failure } from "../../src/errors.ts";
import { compareUrls } from "../../src/providers/kit/checks/compare-urls.ts";
import { answerChecks, type CheckFixture, checkedMappingId, readCheckFixtures } from "../support/check-fixtures.ts";
import { publicUrl } from "../support/location.ts";
import { allCredentials, type Provider, providers } from "../support/providers.ts";

const checked = providers.filter(({ adapter }) => adapter.check);

/** The check of a provider as the fixture has it, with its calls answered by `callApi`. */
function check(provider: Provider, fixture: CheckFixture, callApi = answerChecks(fixture).callApi) {
  const { adapter } = provider;
  const credentials = adapter.credentials.parse(fixture.credentials ?? allCredentials(provider));
  const url = `${publicUrl}/webhooks/${checkedMappingId}`;
  const webhookUrl = adapter.webhookUrl?.(url, credentials) ?? url;
  return adapter.check?.({ credentials, webhookUrl, addresses: [fixture.address] }, callApi) ?? [];
}

describe.each(checked)("the check of $name", (provider) => {
  const fixtures = readCheckFixtures(provider.name);
  const secrets = Object.entries(allCredentials(provider))
    .filter(([name]) => !provider.signer.open?.includes(name))
    .map(([, value]) => String(value));

  test.each(fixtures)("finds out about $fixture.about", async ({ fixture }) => {
    const { callApi, requests } = answerChecks(fixture);
    const findings = await check(provider, fixture, callApi);
    expect(requests.map(withoutHeaders)).toEqual(fixture.exchanges.map(({ request }) => request));
    const expected = fixture.finds.map(({ says, ...rest }) => ({ ...rest, detail: expect.stringContaining(says) }));
    expect(findings).toMatchObject(expected);
    expect(findings).toHaveLength(expected.length);
    for (const { state, advice } of findings) expect(Boolean(advice)).toBe(state !== "ok");
    for (const secret of [...secrets, "secret-of-others"]) expect(JSON.stringify(findings)).not.toContain(secret);
  });

  test("has a sample in which all is well, and one of credentials that are refused", () => {
    const states = fixtures.map(({ fixture }) => fixture.finds);
    expect(states.some((finds) => finds.length > 1 && finds.every(({ state }) => state === "ok"))).toBe(true);
    expect(states.some(([first]) => first?.state === "failure" && first.says.includes("refused"))).toBe(true);
  });

  test("warns, and asks no further, where the provider is not to be reached", async () => {
    const [first] = fixtures;
    if (!first) return expect.unreachable(`there are no checks of ${provider.name}`);
    const fixture = { ...first.fixture, credentials: undefined };
    let calls = 0;
    const findings = await check(provider, fixture, async () => {
      calls++;
      throw new Failure("unreachable", "no connection (ECONNREFUSED)");
    });
    expect(calls).toBe(1);
    expect(findings).toEqual([
      {
        check: "credentials",
        state: "warning",
        detail: expect.stringContaining("could not be asked"),
        advice: expect.anything(),
      },
    ]);
  });

  test.each(["", "junk", null, [], {}, { data: 7 }, { domain: null }])("warns for an answer %j", async (body) => {
    const fixture = { ...(fixtures[0]?.fixture as CheckFixture), credentials: undefined };
    const findings = await check(provider, fixture, async () => ({ status: 200, headers: {}, body }));
    expect(findings.some(({ state }) => state !== "ok")).toBe(true);
  });
});

test("all have checks but those that have nothing to ask", () => {
  const without = providers.filter(({ adapter }) => !adapter.check);
  expect(without.map(({ name }) => name)).toEqual([
    "postal",
    "cloudmailin",
    "forwardemail",
    "generic-sms",
    "generic-email",
  ]);
});

test.each([
  ["https://a.example/webhooks/1", "same"],
  ["HTTPS://A.example:443/webhooks/1#rc=3", "same"],
  ["https://a.example/webhooks/1?x=1", "same"],
  ["https://u:p@a.example/webhooks/1", "credentials"],
  ["http://a.example/webhooks/1", "other"],
  ["https://a.example/webhooks/12", "other"],
  ["https://a.example.evil.example/webhooks/1", "other"],
  ["a.example/webhooks/1", "other"],
])("%s is compared with ours: %s", (found, likeness) => {
  expect(compareUrls(found, "https://a.example/webhooks/1")).toBe(likeness);
});

function withoutHeaders({ headers: _headers, grant: _grant, body, query, ...request }: ApiRequest) {
  const asked = query && Object.keys(query).length > 0 ? { query } : {};
  const said = body instanceof URLSearchParams ? [...body] : body;
  return { ...request, ...asked, ...(said === undefined ? {} : { body: said }) };
}
