import { eq, sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";
import { type Location, locations } from "../schema.ts";
import { isLocationReady } from "./paused-locations.ts";

/**
 * A location with mappings of which it is not known for so long by which provider it sends what names none; from now on it is, for
 * whoever asks next. None that is new, paused or without a token.
 */
export async function claimDefaultsToAsk(
  db: Db,
  everySeconds: number,
): Promise<Pick<Location, "id" | "defaultProviders"> | undefined> {
  const [row] = await selectRows<Pick<Location, "id" | "defaultProviders">>(
    db,
    sql`
      with due as (
        select id from locations
        where deleted_at is null and ${isLocationReady}
          and coalesce(defaults_asked_at, created_at) <= now() - make_interval(secs => ${everySeconds}::float8)
          and exists (select from mappings where mappings.location_id = locations.id and mappings.deleted_at is null)
        order by defaults_asked_at nulls first limit 1
        for no key update skip locked
      )
      update locations set defaults_asked_at = now() from due where locations.id = due.id
      returning locations.id, locations.default_providers as "defaultProviders"`,
  );
  return row;
}

export async function keepDefaults(
  db: Db,
  locationId: string,
  defaultProviders: NonNullable<Location["defaultProviders"]>,
): Promise<void> {
  await db.update(locations).set({ defaultProviders }).where(eq(locations.id, locationId));
}

/** It counts as asked so long ago, where asking told nothing. */
export async function countAsAsked(db: Db, locationId: string, askedSecondsAgo: number): Promise<void> {
  const defaultsAskedAt = sql`now() - make_interval(secs => ${askedSecondsAgo}::float8)`;
  await db.update(locations).set({ defaultsAskedAt }).where(eq(locations.id, locationId));
}
