import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../errors.ts";
import { type Db, secondsFromNow } from "./database.ts";
import { type Location, locations } from "./schema.ts";

/** Makes or renews a location, also a deleted one. A new token lifts the pause that the last one caused. */
export async function putLocation(
  db: Db,
  location: { id: string; name?: string | undefined; sealedToken: string },
): Promise<Location> {
  const { id, name, sealedToken } = location;
  const [stored] = await db
    .insert(locations)
    .values({ id, name: name ?? null, sealedToken })
    .onConflictDoUpdate({
      target: locations.id,
      set: {
        ...(name === undefined ? {} : { name }),
        sealedToken,
        tokenVersion: sql`${locations.tokenVersion} + 1`,
        pausedReason: null,
        pausedUntil: null,
        pausedDetail: null,
        updatedAt: sql`now()`,
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

export async function listLocations(db: Db, page: { after?: string | undefined; limit: number }): Promise<Location[]> {
  const conditions: SQL[] = [isNull(locations.deletedAt)];
  if (page.after !== undefined) conditions.push(gt(locations.id, page.after));
  return db
    .select()
    .from(locations)
    .where(and(...conditions))
    .orderBy(asc(locations.id))
    .limit(page.limit);
}

/** Takes the token away. What still waits for this location waits until it is put again. */
export async function deleteLocation(db: Db, id: string): Promise<void> {
  await db
    .update(locations)
    .set({ sealedToken: null, deletedAt: sql`now()`, updatedAt: sql`now()` })
    .where(eq(locations.id, id));
}

/**
 * Stops claiming for a location: for some seconds, or until its token is replaced. Does nothing, and says so by
 * `false`, when the token that had the trouble has been replaced meanwhile.
 */
export async function pauseLocation(
  db: Db,
  pause: { locationId: string; tokenVersion: number; reason: FailureReason; detail: string; seconds?: number },
): Promise<boolean> {
  const paused = await db
    .update(locations)
    .set({
      pausedReason: pause.reason,
      pausedDetail: pause.detail,
      pausedUntil: pause.seconds === undefined ? null : secondsFromNow(pause.seconds),
      updatedAt: sql`now()`,
    })
    .where(and(eq(locations.id, pause.locationId), eq(locations.tokenVersion, pause.tokenVersion)))
    .returning({ id: locations.id });
  return paused.length > 0;
}
