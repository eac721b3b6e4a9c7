import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { FailureReason } from "../../../src/errors.ts";
import { putCompany } from "../../../src/store/companies.ts";
import { findLocation, listLocations, pauseLocation, putLocation } from "../../../src/store/locations.ts";
import type { Database } from "../../../src/store/postgres/database.ts";
import { listPausedLocations, resumeLocation, resumeRenewable } from "../../../src/store/trouble/paused-locations.ts";
import { openMigrated } from "../../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 5);
});
afterAll(() => database.close());
beforeEach(() => database.db.execute(sql`truncate locations, companies cascade`));

const oauth = { sealedToken: "sealed", sealedRefreshToken: "sealed" };
const put = (id: string, access: object = { sealedToken: "sealed" }) =>
  putLocation(database.db, { id, sealedToken: null, ...access });
const pause = (locationId: string, reason: FailureReason, seconds?: number) =>
  pauseLocation(database.db, { locationId, tokenVersion: 1, reason, detail: "words", seconds });

test("names every location to which nothing goes, whatever the reason, and first those that wait for somebody", async () => {
  for (const id of ["a", "b", "c", "d", "over"]) await put(id);
  await pause("a", "throttled", 60);
  await pause("c", "unauthorized");
  await pause("d", "own_limit", 60);
  await pause("over", "throttled", 0);
  const paused = await listPausedLocations(database.db, 10);
  expect(paused.map(({ id, pausedReason }) => `${id} ${pausedReason}`)).toEqual([
    "c unauthorized",
    "a throttled",
    "d own_limit",
  ]);
  expect(await listPausedLocations(database.db, 10, { locationIds: ["a", "b"] })).toMatchObject([{ id: "a" }]);
  const listed = async (isPaused: boolean) =>
    (await listLocations(database.db, { isPaused, limit: 10 })).map(({ id }) => id);
  expect(await listed(true)).toEqual(["a", "c", "d"]);
  expect(await listed(false)).toEqual(["b", "over"]);
});

test("a pause that is lifted by hand cannot be brought back by a late answer for the token of before", async () => {
  await put("a");
  await pause("a", "unauthorized");
  expect(await resumeLocation(database.db, "a")).toMatchObject({ id: "a", pausedReason: null, pausedDetail: null });
  expect(await pause("a", "unauthorized")).toBe(false);
  expect(await findLocation(database.db, "a")).toMatchObject({ pausedReason: null });
});

test("a start lets those go on that get another token by the app, and no other", async () => {
  await putCompany(database.db, { id: "connected", ...oauth });
  await putCompany(database.db, { id: "gone", sealedToken: null });
  const reasons: FailureReason[] = ["misconfigured", "needs_reauthorization", "unauthorized", "unavailable"];
  for (const reason of reasons) {
    await put(reason, oauth);
    await pause(reason, reason, reason === "misconfigured" ? 600 : undefined);
  }
  for (const companyId of ["connected", "gone"]) {
    await put(`of ${companyId}`, { companyId });
    await pause(`of ${companyId}`, "needs_reauthorization");
  }
  await put("by hand");
  await pause("by hand", "unauthorized");
  await put("throttled", oauth);
  await pause("throttled", "throttled", 60);
  expect((await resumeRenewable(database.db)).sort()).toEqual([...reasons, "of connected"].sort());
  const still = await listPausedLocations(database.db, 10);
  expect(still.map(({ id }) => id)).toEqual(["by hand", "of gone", "throttled"]);
});
