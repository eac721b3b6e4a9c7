import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { judgeDefaults, watchDefaults } from "../../src/checks/watch-defaults.ts";
import { Failure, type FailureReason } from "../../src/errors.ts";
import type { ListedProvider } from "../../src/highlevel/checks.ts";
import { findLocation, putLocation } from "../../src/store/locations.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";
import { insertMapping } from "../support/insert-mapping.ts";

/** A default provider that somebody has changed is noticed. */
let database: Database;
const locationId = "location-1";
const other = { id: "other", name: "Other", isDefault: false };
let listed: ListedProvider[] = [];
let failure: Failure | undefined;
const lines: unknown[] = [];
beforeAll(async () => {
  database = await openMigrated(inject, 4);
  await putLocation(database.db, { id: locationId, sealedToken: "sealed" });
});
afterAll(() => database.close());

const watch = (everySeconds = 0) =>
  watchDefaults(
    {
      db: database.db,
      log: (...line) => void lines.push(line),
      accessTokens: { get: async () => ({ token: "t", version: 1 }) },
      highlevel: {
        async listProviders(_access, channel) {
          if (failure) throw failure;
          return channel === "sms" ? listed : [other];
        },
      },
    },
    everySeconds,
  );
const findings = async () => judgeDefaults((await findLocation(database.db, locationId)) ?? { defaultProviders: null });
const provider = (id: string, isDefault: boolean | undefined) => ({ id, name: `Provider ${id}`, isDefault });
const by = (id: string) => [other, provider(id, true)];

test("a location without mappings is not asked", async () => {
  expect(await watch()).toBe(false);
});

test("the first answer is no change, and the same one again is none", async () => {
  await insertMapping(database.db, {
    ...{ locationId, provider: "twilio", address: "+15005550009", type: "SMS", unknownSender: "create" },
    postAutomatic: false,
  });
  listed = by("a");
  expect(await watch()).toBe(true);
  expect(await watch()).toBe(true);
  expect([lines, await findings()]).toEqual([[], []]);
});

test("is not asked again within the time", async () => {
  expect(await watch(50 * 60)).toBe(false);
});

test("another one leaves a line, once, and is told by checks for a week", async () => {
  listed = by("b");
  await watch();
  await watch();
  const change = { locationId, channel: "sms", from: "Provider a", to: "Provider b" };
  expect(lines).toEqual([["error", "location.default_changed", change]]);
  expect(await findings()).toMatchObject([
    { check: "defaultProvider", state: "warning", detail: expect.stringContaining('was "Provider a" until') },
  ]);
  const old = new Date(Date.now() - 8 * 86_400_000).toISOString();
  await database.db.execute(
    sql`update locations set default_providers = jsonb_set(default_providers, '{sms,changedAt}', to_jsonb(${old}::text))`,
  );
  expect(await findings()).toEqual([]);
});

test.each([
  ["an empty list", []],
  ["one that lacks the default one", [other]],
  ["one that does not say of each", [other, provider("b", undefined)]],
])("%s is no news", async (_what, list) => {
  lines.length = 0;
  listed = list;
  await watch();
  listed = by("b");
  await watch();
  expect(lines).toEqual([]);
});

test("that there is none any more leaves a line, too", async () => {
  lines.length = 0;
  listed = [other, provider("b", false)];
  await watch();
  expect(lines).toMatchObject([["error", "location.default_changed", { from: "Provider b", to: "none" }]]);
});

test("what HighLevel does not tell changes nothing", async () => {
  lines.length = 0;
  failure = new Failure("unauthorized", "not authorized for this scope", { status: 401 });
  expect(await watch()).toBe(true);
  failure = undefined;
  await watch();
  const line = ["debug", "location.default_unknown", { locationId, reason: "unauthorized", status: 401 }];
  expect(lines).toEqual([line, line]);
});

test("a location whose pause has ended by itself is asked again, and one that is paused is not", async () => {
  const pause = (until: string) =>
    database.db.execute(
      sql`update locations set paused_reason = 'throttled', paused_until = now() + ${until}::interval`,
    );
  await pause("1 minute");
  expect(await watch()).toBe(false);
  await pause("-1 minute");
  expect(await watch()).toBe(true);
});

test("what HighLevel does not tell as it is away is asked again soon, and what it refuses after the usual time", async () => {
  const usual = 50 * 60;
  const pass = (minutes: number) =>
    database.db.execute(
      sql`update locations set defaults_asked_at = defaults_asked_at - make_interval(mins => ${minutes})`,
    );
  const isAsked = async (reason: FailureReason) => {
    await pass(50);
    failure = new Failure(reason, "no answer");
    expect(await watch(usual)).toBe(true);
    failure = undefined;
    const isAskedAtOnce = await watch(usual);
    await pass(5);
    return [isAskedAtOnce, await watch(usual)];
  };
  expect(await isAsked("unreachable")).toEqual([false, true]);
  expect(await isAsked("own_limit")).toEqual([false, true]);
  expect(await isAsked("rejected")).toEqual([false, false]);
});
