import { expect, test } from "vitest";
import { checkCredentials } from "../../src/checks/check-credentials.ts";
import { answerChecks, checkedMappingId, readCheckFixtures } from "../support/check-fixtures.ts";
import { publicUrl } from "../support/location.ts";
import { allCredentials, providerOf } from "../support/providers.ts";

const webhookUrl = `${publicUrl}/webhooks/${checkedMappingId}`;
const signal = AbortSignal.timeout(10_000);

function accountOf(name: string, addresses: string[]) {
  const provider = providerOf(name);
  const credentials = provider.adapter.credentials.parse(allCredentials(provider));
  return { adapter: provider.adapter, credentials, webhookUrl, addresses };
}

test("the URL of a provider that signs nothing is compared with its user name and password", async () => {
  const [fixture] = readCheckFixtures("postmark").flatMap((each) => (each.name === "all-well" ? [each.fixture] : []));
  if (!fixture) return expect.unreachable("there is no check of Postmark's");
  const { callApi, requests } = answerChecks(fixture);
  const findings = await checkCredentials(callApi, accountOf("postmark", [fixture.address]), signal);
  expect(findings.map(({ state }) => state)).toEqual(["ok", "ok", "ok"]);
  expect(requests.every((request) => request.signal === signal)).toBe(true);
});

test("of many addresses ten are looked at, and it is said that there are more", async () => {
  const addresses = Array.from({ length: 300 }, (_, index) => `+1500555${1000 + index}`);
  let calls = 0;
  const callApi = async () => {
    calls++;
    return { status: 200, headers: {}, body: { status: "active", incoming_phone_numbers: [] } };
  };
  const findings = await checkCredentials(callApi, accountOf("twilio", addresses), signal);
  expect(calls).toBe(11);
  expect(findings.at(-1)).toMatchObject({
    check: "address",
    state: "warning",
    detail: expect.stringContaining("of 300"),
  });
});

test("a provider that has nothing to ask is said to have nothing, and is not called", async () => {
  const callApi = () => Promise.reject(new Error("nobody was to be called"));
  for (const name of ["generic-sms", "generic-email"]) {
    const findings = await checkCredentials(callApi, accountOf(name, ["+15005550006"]), signal);
    expect(findings).toMatchObject([{ check: "credentials", state: "ok", detail: expect.stringContaining("nothing") }]);
  }
});
