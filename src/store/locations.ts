import { and, asc, eq, gt, isNull, not, type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../errors.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import { type Db, secondsFromNow } from "./postgres/database.ts";
import { type Location, locations } from "./schema.ts";
import { isPaused, resumedColumns } from "./trouble/paused-locations.ts";

/** Tokens as they are stored. One without a lifetime, such as a private integration token, does not expire. */
export interface SealedTokens {
  sealedToken: string | null;
  sealedRefreshToken?: string | undefined;
  lifetimeSeconds?: number | undefined;
}

export const tokenColumns = ({ sealedToken, sealedRefreshToken, lifetimeSeconds }: SealedTokens) => ({
  sealedToken,
  sealedRefreshToken: sealedRefreshToken ?? null,
  tokenExpiresAt: lifetimeSeconds === undefined ? null : secondsFromNow(lifetimeSeconds),
});

/**
 * Makes or renews a location, also a deleted one: by a token of its own, by a pair of OAuth tokens, or as one whose
 * tokens come from its agency's. What it had before goes, and with it the pause that the last token caused.
 */
export async function putLocation(
  db: Db,
  location: { id: string; name?: string | undefined; companyId?: string | undefined } & SealedTokens,
): Promise<Location> {
  const { id, name, companyId = null } = location;
  const access = { companyId, ...tokenColumns(location) };
  const [stored] = await db
    .insert(locations)
    .values({ id, name: name ?? null, ...access })
    .onConflictDoUpdate({
      target: locations.id,
      set: {
        ...(name === undefined ? {} : { name }),
        ...access,
        ...resumedColumns,
        deletedAt: null,
      },
    })
    .returning();
  return stored as Location;
}

export async function findLocation(db: Db, id: string): Promise<Location | undefined> {
  const [location] = await db
    .select()
    .from(locations)
    .where(and(eq(locations.id, id), isNull(locations.deletedAt)));
  return location;
}

export async function listLocations(
  db: Db,
  page: {
    locationIds?: string[] | undefined;
    isPaused?: boolean | undefined;
    after?: string | undefined;
    limit: number;
  },
): Promise<Location[]> {
  const conditions: SQL[] = [isNull(locations.deletedAt)];
  if (page.isPaused !== undefined) conditions.push(page.isPaused ? isPaused : sql`not ${isPaused}`);
  if (page.locationIds !== undefined) conditions.push(isAnyOf(locations.id, page.locationIds));
  if (page.after !== undefined) conditions.push(gt(locations.id, page.after));
  return db
    .select()
    .from(locations)
    .where(and(...conditions))
    .orderBy(asc(locations.id))
    .limit(page.limit);
}

/** Takes the tokens away. What still waits for this location waits until it is put again. */
export async function deleteLocation(db: Db, id: string): Promise<void> {
  await db
    .update(locations)
    .set({ ...withoutTokens, companyId: null, deletedAt: sql`now()`, updatedAt: sql`now()` })
    .where(eq(locations.id, id));
}

export const withoutTokens = { sealedToken: null, sealedRefreshToken: null, tokenExpiresAt: null };

/** What a location may call HighLevel with, by PostgreSQL's clock. */
export interface LocationAccess {
  id: string;
  companyId: string | null;
  sealedToken: string | null;
  sealedRefreshToken: string | null;
  tokenVersion: number;
  /** Below 0 when it is over; null for a token that does not expire. */
  expiresInSeconds: number | null;
  /** Why HighLevel gives no token, until somebody connects it again or the pause is over; null when it was not refused. */
  tokenRefusal: string | null;
  /** Only connecting it again helps. */
  needsReauthorization: boolean;
}

/**
 * `unavailable` is a refusal that may pass, such as that of a suspended location; `misconfigured` one of the app's client id
 * or secret.
 */
const waitsForToken = sql`coalesce(${locations.pausedReason} in ('needs_reauthorization', 'unavailable', 'misconfigured')
  and (${locations.pausedUntil} is null or ${locations.pausedUntil} > now()), false)`;

const accessColumns = {
  id: locations.id,
  companyId: locations.companyId,
  sealedToken: locations.sealedToken,
  sealedRefreshToken: locations.sealedRefreshToken,
  tokenVersion: locations.tokenVersion,
  expiresInSeconds: sql<number | null>`extract(epoch from ${locations.tokenExpiresAt} - now())::float8`,
  tokenRefusal: sql<string | null>`case when ${waitsForToken} then coalesce(${locations.pausedDetail}, '') end`,
  needsReauthorization: sql<boolean>`coalesce(${locations.pausedReason} = 'needs_reauthorization', false)`,
};

export async function findLocationAccess(db: Db, id: string): Promise<LocationAccess | undefined> {
  const [access] = await selectAccess(db, id);
  return access;
}

/**
 * Locks the location's tokens until the transaction ends, and reads them. Whoever else wants to renew them waits; or,
 * with `skip`, gets nothing while another renews. New rows that refer to the location do not wait.
 */
export async function lockLocationAccess(
  tx: Db,
  id: string,
  whenLocked: "wait" | "skip",
): Promise<LocationAccess | undefined> {
  const [access] = await selectAccess(tx, id).for("no key update", whenLocked === "skip" ? { skipLocked: true } : {});
  return access;
}

const selectAccess = (db: Db, id: string) =>
  db
    .select(accessColumns)
    .from(locations)
    .where(and(eq(locations.id, id), isNull(locations.deletedAt)));

/** Stores renewed tokens, for the holder of the lock. A refresh token that is not given stays. */
export async function saveLocationTokens(tx: Db, id: string, tokens: SealedTokens): Promise<void> {
  const { sealedRefreshToken, ...columns } = tokenColumns(tokens);
  await tx
    .update(locations)
    .set({
      ...columns,
      ...(sealedRefreshToken === null ? {} : { sealedRefreshToken }),
      tokenVersion: sql`${locations.tokenVersion} + 1`,
      updatedAt: sql`now()`,
    })
    .where(eq(locations.id, id));
}

/** A pause for some seconds, or until the token is replaced. One that follows another for the same reason goes on with that. */
export const pauseColumns = (pause: { reason: FailureReason; detail: string; seconds?: number | undefined }) => ({
  pausedAt: sql`case when ${locations.pausedReason} = ${pause.reason}
    and (${locations.pausedUntil} is null or ${locations.pausedUntil} > now() - interval '5 minutes')
    then coalesce(${locations.pausedAt}, now()) else now() end`,
  pausedReason: pause.reason,
  pausedDetail: pause.detail,
  pausedUntil: pause.seconds === undefined ? null : secondsFromNow(pause.seconds),
  updatedAt: sql`now()`,
});

/**
 * Stops claiming for a location: for some seconds, or until its token is replaced. Does nothing, and says so by
 * `false`, when the token that had the trouble has been replaced meanwhile, or HighLevel refuses to give another:
 * that says more than the 401 which it led to.
 */
export async function pauseLocation(
  db: Db,
  pause: {
    locationId: string;
    tokenVersion: number;
    reason: FailureReason;
    detail: string;
    seconds?: number | undefined;
  },
): Promise<boolean> {
  const paused = await db
    .update(locations)
    .set(pauseColumns(pause))
    .where(and(eq(locations.id, pause.locationId), eq(locations.tokenVersion, pause.tokenVersion), not(waitsForToken)))
    .returning({ id: locations.id });
  return paused.length > 0;
}
