import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { applyInstallEvent } from "../../src/access/install.ts";
import { registerLocation } from "../../src/registry/register.ts";
import { createSealer } from "../../src/secrets/seal.ts";
import { findCompany, findCompanyAccess, putCompany } from "../../src/store/companies.ts";
import { deleteLocation, findLocation, findLocationAccess, putLocation } from "../../src/store/locations.ts";
import { type Database, selectRows } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";

let database: Database;
const sealer = createSealer([Buffer.alloc(32, 1)]);
beforeAll(async () => {
  database = await openMigrated(inject, 3);
});
afterAll(async () => {
  await database.close();
});

let counter = 0;
let locationId = "";
let companyId = "";
beforeEach(() => {
  locationId = `location-${++counter}`;
  companyId = `company-${counter}`;
});

const later = () => new Date(Date.now() + 60_000);
const hourAgo = () => new Date(Date.now() - 3_600_000);
const apply = (
  type: "INSTALL" | "UNINSTALL",
  event: { locationId?: string; companyId?: string; appId?: string | undefined },
  at: Date | "untold" = later(),
  clientId: string | undefined = "app-suffix",
) =>
  database.db.transaction((tx) => {
    const whole = { type, appId: "app", locationId: undefined, companyId: undefined, ...event };
    return applyInstallEvent(tx, whole, { clientId, at: at === "untold" ? undefined : at });
  });
/** Each later than the last, and than all that was done before. */
async function nowOfDatabase(): Promise<Date> {
  const [row] = await selectRows<{ now: string }>(
    database.db,
    sql`select clock_timestamp() + interval '2 ms' as now from pg_sleep(0.01)`,
  );
  return new Date(row?.now ?? "");
}
const location = () => findLocation(database.db, locationId);
const pair = { sealedToken: "sealed", sealedRefreshToken: "sealed", lifetimeSeconds: 86_399 };

describe("INSTALL", () => {
  test("of an agency's location, before or after the agency's redirect, as often as it comes", async () => {
    expect(await apply("INSTALL", { locationId, companyId })).toContain(`by agency ${companyId}`);
    expect(await apply("INSTALL", { locationId, companyId })).toContain("changes nothing");
    expect(await location()).toMatchObject({ companyId, sealedToken: null, pausedReason: null });
    await putCompany(database.db, { id: companyId, ...pair });
    expect(await apply("INSTALL", { companyId })).toContain("its redirect");
    expect((await findCompany(database.db, companyId))?.sealedRefreshToken).toBe("sealed");
  });

  test("leaves a location that has a token of its own as it is", async () => {
    await putLocation(database.db, { id: locationId, ...pair });
    expect(await apply("INSTALL", { locationId, companyId })).toContain("changes nothing");
    expect(await location()).toMatchObject({ companyId: null, sealedRefreshToken: "sealed" });
  });

  test("that is older than what was done since does not bring a deleted location back", async () => {
    await apply("INSTALL", { locationId, companyId });
    await deleteLocation(database.db, locationId);
    for (const at of [hourAgo(), "untold"] as const) {
      await apply("INSTALL", { locationId, companyId }, at);
      expect(await location()).toBeUndefined();
    }
    await apply("INSTALL", { locationId, companyId });
    expect(await location()).toMatchObject({ companyId });
  });
});

describe("UNINSTALL", () => {
  test("from before an INSTALL that came first, or that comes again, does not undo it", async () => {
    await putCompany(database.db, { id: companyId, ...pair });
    await apply("INSTALL", { locationId, companyId });
    await putLocation(database.db, { id: `${locationId}-own`, ...pair });
    const [uninstalledAt, installedAt] = [await nowOfDatabase(), await nowOfDatabase()];
    for (const id of [{ locationId, companyId }, { locationId: `${locationId}-own` }, { companyId }]) {
      await apply("INSTALL", id, installedAt);
      expect(await apply("UNINSTALL", id, uninstalledAt)).toContain("changes nothing");
    }
    expect(await location()).toMatchObject({ companyId, pausedReason: null });
    expect(await findLocation(database.db, `${locationId}-own`)).toMatchObject({ sealedRefreshToken: "sealed" });
    expect((await findCompany(database.db, companyId))?.sealedToken).toBe("sealed");
  });

  test("that does not say when it was takes nothing away, and has the tokens renewed", async () => {
    await putCompany(database.db, { id: companyId, ...pair });
    await putLocation(database.db, { id: locationId, companyId, sealedToken: "minted", lifetimeSeconds: 86_399 });
    await putLocation(database.db, { id: `${locationId}-own`, ...pair });
    for (const id of [{ locationId: `${locationId}-own` }, { companyId }]) {
      expect(await apply("UNINSTALL", id, "untold")).toContain("without a timestamp");
    }
    expect(await location()).toMatchObject({ sealedToken: "minted", pausedReason: null });
    for (const id of [locationId, `${locationId}-own`]) {
      expect(await findLocationAccess(database.db, id)).toMatchObject({ expiresInSeconds: expect.any(Number) });
      expect((await findLocationAccess(database.db, id))?.expiresInSeconds).toBeLessThanOrEqual(0);
    }
    expect((await findCompanyAccess(database.db, companyId))?.expiresInSeconds).toBeLessThanOrEqual(0);
  });

  test("of a location takes its tokens away, and says so where it is paused", async () => {
    await putLocation(database.db, { id: locationId, ...pair });
    expect(await apply("UNINSTALL", { locationId })).toContain("took its tokens away");
    expect(await location()).toMatchObject({
      sealedToken: null,
      sealedRefreshToken: null,
      pausedReason: "needs_reauthorization",
      pausedDetail: expect.stringContaining("uninstalled"),
      pausedUntil: null,
    });
    await apply("INSTALL", { locationId, companyId });
    expect(await location()).toMatchObject({ companyId, pausedReason: null });
  });

  test("that comes after the app was installed again leaves the new tokens alone", async () => {
    await putLocation(database.db, { id: locationId, ...pair });
    await putCompany(database.db, { id: companyId, ...pair });
    expect(await apply("UNINSTALL", { locationId }, hourAgo())).toContain("changes nothing");
    expect(await apply("UNINSTALL", { companyId }, hourAgo())).toContain("changes nothing");
    expect(await location()).toMatchObject({ sealedRefreshToken: "sealed", pausedReason: null });
    expect((await findCompany(database.db, companyId))?.sealedToken).toBe("sealed");
  });

  test("of an agency covers the locations that live by its tokens, and those alone", async () => {
    await putCompany(database.db, { id: companyId, ...pair });
    await putLocation(database.db, { id: locationId, companyId, sealedToken: "minted", lifetimeSeconds: 9 });
    await putLocation(database.db, { id: `${locationId}-own`, ...pair });
    expect(await apply("UNINSTALL", { companyId })).toContain("those of 1 locations");
    expect(await location()).toMatchObject({ sealedToken: null, pausedReason: "needs_reauthorization" });
    expect(await findLocation(database.db, `${locationId}-own`)).toMatchObject({ pausedReason: null });
    expect(await findCompany(database.db, companyId)).toMatchObject({ sealedToken: null, sealedRefreshToken: null });
  });

  test("does not touch a token that was given by hand", async () => {
    await registerLocation({ db: database.db, sealer }, { id: locationId, token: "pit" });
    expect(await apply("UNINSTALL", { locationId })).toContain("changes nothing");
    expect((await location())?.sealedToken).not.toBeNull();
  });
});

test("anybody's app can have such events signed: another app's, or any while none is configured, change nothing", async () => {
  await putLocation(database.db, { id: locationId, ...pair });
  for (const appId of ["other", undefined]) {
    expect(await apply("UNINSTALL", { locationId, appId })).toContain("another app");
  }
  const event = { type: "UNINSTALL" as const, appId: "app", locationId, companyId: undefined };
  const known = { clientId: undefined, at: undefined };
  expect(await database.db.transaction((tx) => applyInstallEvent(tx, event, known))).toContain("HIGHLEVEL_CLIENT_ID");
  expect(await location()).toMatchObject({ sealedRefreshToken: "sealed", pausedReason: null });
});
