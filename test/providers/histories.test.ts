import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { PastMessage } from "../../src/providers/kit/adapter.ts";
import { answerChecks, type CheckFixture } from "../support/check-fixtures.ts";
import { allCredentials, providers } from "../support/providers.ts";

/** What a provider tells of before, as test/fixtures/<provider>/history/<name>.json keeps it. */
interface HistoryFixture extends Pick<CheckFixture, "about" | "source" | "address" | "exchanges"> {
  from?: string;
  until: string;
  /** In the order in which they are told. */
  means: unknown[];
}

const fixturesOf = (provider: string): HistoryFixture[] => {
  const folder = join(import.meta.dirname, "../fixtures", provider, "history");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
};

describe.each(providers.filter(({ adapter }) => adapter.history))("the history of $name", (provider) => {
  const fixtures = fixturesOf(provider.name);
  const { adapter } = provider;
  const credentials = adapter.credentials.parse(allCredentials(provider));

  test("has a sample with its source", () => {
    expect(fixtures.length).toBeGreaterThan(0);
    for (const { source } of fixtures) expect(source).toMatch(/^https:/);
  });

  test.each(fixtures)("is read page by page: $about", async ({ address, from, until, exchanges, means }) => {
    const { callApi, requests } = answerChecks({ exchanges });
    const read: PastMessage[] = [];
    const times = { from: from === undefined ? undefined : new Date(from), until: new Date(until) };
    let cursor: string | undefined;
    do {
      const page = await adapter.history?.({ credentials, address, ...times, cursor }, callApi);
      read.push(...(page?.messages ?? []));
      cursor = page?.next;
    } while (cursor !== undefined);
    expect(requests.map(({ headers: _headers, ...request }) => request)).toEqual(
      exchanges.map(({ request }) => request),
    );
    expect(JSON.parse(JSON.stringify(read))).toEqual(means);
  });

  const withLinks = fixtures.filter(({ exchanges }) => JSON.stringify(exchanges).includes('"next_page_uri":"'));
  test.each(withLinks)("leads nowhere else: $about", async ({ address, until, exchanges }) => {
    const foreign = JSON.parse(
      JSON.stringify(exchanges).replaceAll(/"next_page_uri":"[^"]+"/g, '"next_page_uri":"/x"'),
    );
    const { callApi } = answerChecks({ exchanges: foreign });
    const asked = { credentials, address, from: undefined, until: new Date(until) };
    const page = await adapter.history?.({ ...asked, cursor: undefined }, callApi);
    await expect(adapter.history?.({ ...asked, cursor: page?.next }, callApi)).rejects.toMatchObject({
      reason: "invalid_answer",
    });
  });
});
