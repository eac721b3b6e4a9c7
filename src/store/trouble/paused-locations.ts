import { and, asc, eq, exists, inArray, isNotNull, isNull, or, sql } from "drizzle-orm";
import type { FailureReason } from "../../errors.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { companies, type Location, locations } from "../schema.ts";

/** Nothing goes to it now. */
export const isPaused = sql`(${locations.pausedReason} is not null
  and (${locations.pausedUntil} is null or ${locations.pausedUntil} > now()))`;

/** Lanes that call HighLevel may be claimed: the location has what tokens are got by, and nothing keeps it. */
export const isLocationReady = sql`((locations.sealed_token is not null or locations.company_id is not null)
  and (locations.paused_reason is null or locations.paused_until <= now()))`;

/** The pause goes, and a late answer for the last token cannot bring it back: so the version grows. */
export const resumedColumns = {
  tokenVersion: sql`${locations.tokenVersion} + 1`,
  pausedReason: null,
  pausedUntil: null,
  pausedDetail: null,
  pausedAt: null,
  updatedAt: sql`now()`,
};

export type PausedLocation = Pick<Location, "id" | "pausedReason" | "pausedUntil">;

/** Locations to which nothing goes, for whatever reason: those that somebody must mend first. */
export async function listPausedLocations(
  db: Db,
  limit: number,
  { locationIds }: { locationIds?: string[] | undefined } = {},
): Promise<PausedLocation[]> {
  return db
    .select({ id: locations.id, pausedReason: locations.pausedReason, pausedUntil: locations.pausedUntil })
    .from(locations)
    .where(and(isPaused, isNull(locations.deletedAt), locationIds && isAnyOf(locations.id, locationIds)))
    .orderBy(sql`${locations.pausedUntil} is not null`, asc(locations.id))
    .limit(limit);
}

/** Lets a location go on, whatever has paused it; what has not been mended pauses it again. Undefined for one that is not there. */
export async function resumeLocation(db: Db, id: string): Promise<Location | undefined> {
  const [resumed] = await db
    .update(locations)
    .set(resumedColumns)
    .where(and(eq(locations.id, id), isNull(locations.deletedAt)))
    .returning();
  return resumed;
}

const aboutTokens: FailureReason[] = ["unauthorized", "needs_reauthorization", "misconfigured", "unavailable"];

/**
 * Lets those go on that were paused for want of a token, and have what another one is got by: with another client id or
 * secret, HighLevel may give it. Gives their ids.
 */
export async function resumeRenewable(db: Db): Promise<string[]> {
  const ofCompany = and(eq(companies.id, locations.companyId), isNotNull(companies.sealedRefreshToken));
  const isRenewable = or(
    isNotNull(locations.sealedRefreshToken),
    exists(db.select({ id: companies.id }).from(companies).where(ofCompany)),
  );
  const resumed = await db
    .update(locations)
    .set(resumedColumns)
    .where(and(isPaused, inArray(locations.pausedReason, aboutTokens), isNull(locations.deletedAt), isRenewable))
    .returning({ id: locations.id });
  return resumed.map(({ id }) => id);
}
