import { describe, expect, test } from "vitest";
import { providerNames } from "../../src/providers/registry.ts";
import { describeAdapter } from "../support/adapter-contract.ts";
import { providers, readProvider, whatLacks } from "../support/providers.ts";

test.each(providerNames)("%s has all that the guarantees are tried on", async (name) => {
  expect(whatLacks(await readProvider(name))).toEqual([]);
});

test("a provider without a folder is told what it lacks", async () => {
  const [some] = providers;
  if (!some) return expect.unreachable("there are no providers");
  const bare = { ...some, name: "new", signer: undefined, fixtures: [], sendFixtures: [], refusals: [] };
  expect(whatLacks(bare)).toContainEqual("test/fixtures/new lacks sign.ts, which exports a signer");
  expect(whatLacks(bare).length).toBeGreaterThan(5);
});

describe.each(providers)("$name", (provider) => describeAdapter(provider));
