import { and, eq, inArray, isNotNull, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import type { FailureReason } from "../errors.ts";
import { pauseColumns, withoutTokens } from "./locations.ts";
import { type Db, secondsFromNow } from "./postgres/database.ts";
import { companies, locations } from "./schema.ts";
import { resumedColumns } from "./trouble/paused-locations.ts";

/** What installs and uninstalls of the app, and the tokens of agencies, do to locations. */

/**
 * The app was installed for an agency's location: it lives by the agency's tokens from now on. One that has a token of
 * its own stays as it is, and so does one that was changed after the event, or is deleted when the event does not say when
 * it was. Gives whether anything changed.
 */
export async function adoptLocation(
  tx: Db,
  event: { locationId: string; companyId: string; at: Date | undefined },
): Promise<boolean> {
  const { locationId: id, companyId, at } = event;
  const adopted = await tx
    .insert(locations)
    .values({ id, companyId })
    .onConflictDoUpdate({
      target: locations.id,
      set: { companyId, ...resumedColumns, deletedAt: null },
      setWhere: and(
        isNull(locations.sealedToken),
        sql`${locations.companyId} is distinct from ${companyId}`,
        at ? lt(locations.updatedAt, at) : isNull(locations.deletedAt),
      ) as SQL,
    })
    .returning({ id: locations.id });
  return adopted.length > 0;
}

/**
 * The app is gone from a location: takes its tokens away and stops claiming until it is connected again. A location whose
 * token was given by hand stays as it is, and so does one that was connected or renewed after the event.
 */
export async function disconnectLocation(
  tx: Db,
  event: { locationId: string; at: Date; detail: string },
): Promise<boolean> {
  const { locationId, at, detail } = event;
  // One that waits already has been changed by what the event is about.
  const isBefore = or(lt(locations.updatedAt, at), inArray(locations.pausedReason, refusedReasons));
  const disconnected = await tx
    .update(locations)
    .set({ ...withoutTokens, ...reauthorizationColumns(detail), companyId: null })
    .where(and(eq(locations.id, locationId), isByApp, isBefore))
    .returning({ id: locations.id });
  return disconnected.length > 0;
}

const refusedReasons: FailureReason[] = ["needs_reauthorization", "unavailable", "misconfigured"];
const isByApp = or(isNotNull(locations.sealedRefreshToken), isNotNull(locations.companyId));

/** The app is installed at that time: an uninstall from before it, that comes late or again, changes nothing any more. */
export async function noteInstall(
  tx: Db,
  { locationId, companyId, at }: { locationId: string | undefined; companyId: string | undefined; at: Date },
): Promise<void> {
  const until = (column: AnyPgColumn) => ({ updatedAt: sql`greatest(${column}, least(${at.toISOString()}, now()))` });
  if (locationId !== undefined) {
    await tx.update(locations).set(until(locations.updatedAt)).where(eq(locations.id, locationId));
  } else if (companyId !== undefined) {
    await tx.update(companies).set(until(companies.updatedAt)).where(eq(companies.id, companyId));
  }
}

/** Has the tokens renewed that the app gave a location, or an agency and its locations, before anything else is done by them. */
export async function expireTokens(
  tx: Db,
  { locationId, companyId }: { locationId: string | undefined; companyId: string | undefined },
): Promise<void> {
  const expired = { tokenExpiresAt: sql`now()` };
  if (locationId !== undefined) {
    await tx
      .update(locations)
      .set(expired)
      .where(and(eq(locations.id, locationId), isByApp));
  } else if (companyId !== undefined) {
    await tx.update(companies).set(expired).where(eq(companies.id, companyId));
    await tx.update(locations).set(expired).where(byCompany(companyId));
  }
}

/** The app is gone from an agency: the same for all its locations that live by its tokens. Gives their ids. */
export async function disconnectLocationsOfCompany(tx: Db, companyId: string, detail: string): Promise<string[]> {
  const disconnected = await tx
    .update(locations)
    .set({ ...withoutTokens, ...reauthorizationColumns(detail) })
    .where(byCompany(companyId))
    .returning({ id: locations.id });
  return disconnected.map(({ id }) => id);
}

/** Stops claiming for an agency's locations that have no token of some minutes left. Gives their ids. */
export async function pauseLocationsOfCompany(
  tx: Db,
  companyId: string,
  pause: { reason: FailureReason; detail: string; seconds?: number | undefined },
): Promise<string[]> {
  const paused = await tx
    .update(locations)
    .set(pauseColumns(pause))
    .where(
      and(byCompany(companyId), or(isNull(locations.sealedToken), lt(locations.tokenExpiresAt, secondsFromNow(300)))),
    )
    .returning({ id: locations.id });
  return paused.map(({ id }) => id);
}

/** An agency has been connected again: its locations get new tokens by it, and what waits for them goes on. */
export async function resumeLocationsOfCompany(tx: Db, companyId: string): Promise<void> {
  await tx
    .update(locations)
    .set({ ...withoutTokens, ...resumedColumns })
    .where(byCompany(companyId));
}

const byCompany = (companyId: string) =>
  and(eq(locations.companyId, companyId), isNull(locations.sealedRefreshToken), isNull(locations.deletedAt));

/** A late answer for the tokens that went must not change the pause: so the version grows. */
const reauthorizationColumns = (detail: string) => ({
  tokenVersion: sql`${locations.tokenVersion} + 1`,
  pausedReason: "needs_reauthorization" as const,
  pausedAt: sql`now()`,
  pausedDetail: detail,
  pausedUntil: null,
  updatedAt: sql`now()`,
});
