import { and, asc, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { maxWalked } from "../postgres/walk-newest.ts";
import { deliveries, isEvent, lanes, locations, mappings } from "../schema.ts";
import { isPaused } from "../trouble/paused-locations.ts";

interface Reach {
  locationIds: string[] | undefined;
}

/**
 * How many deliveries wait, of the newest of them, and since when; of events it says nothing. Those of some locations are found
 * by the lanes in which they stand: how many wait of others does not matter.
 */
export async function countWaiting(db: Db, { locationIds }: Reach): Promise<{ count: number; oldestAt: Date | null }> {
  const ids = locationIds
    ? waitingOf(locationIds)
    : sql`
    select id from deliveries where state = 'pending' and ${isEvent(deliveries.kind)} = 0 order by id desc limit ${maxWalked}`;
  const [counted] = await db
    .select({
      count: sql<number>`count(*)::int`,
      oldestAt: sql<Date | null>`min(coalesce(${deliveries.replayedAt}, ${deliveries.createdAt}))`.mapWith(
        deliveries.createdAt,
      ),
    })
    .from(deliveries)
    .where(sql`${deliveries.id} = any(array(${ids}))`);
  return counted ?? { count: 0, oldestAt: null };
}

function waitingOf(locationIds: string[]): SQL {
  const inLanes = (isOfKind: SQL) => sql`
    select waiting.id from lanes join deliveries waiting using (conversation_id, kind)
    where ${isAnyOf(lanes.locationId, locationIds)} and due_at is not null and ${isOfKind} and waiting.state = 'pending'`;
  return sql`${inLanes(sql`kind not in ('send-outbound', 'post-event')`)}
    union all ${inLanes(sql`kind = 'send-outbound'`)} limit ${maxWalked}`;
}

/** Mappings that somebody paused, the longest first. */
export async function listPausedMappings(db: Db, { locationIds, limit }: Reach & { limit: number }) {
  const { id, address, name, locationId, pausedAt } = mappings;
  return db
    .select({ id, address, name, locationId, pausedAt })
    .from(mappings)
    .where(and(isNotNull(pausedAt), isNull(mappings.deletedAt), locationIds && isAnyOf(locationId, locationIds)))
    .orderBy(asc(pausedAt), asc(id))
    .limit(limit);
}

/** Locations to which nothing goes, those first that go on by nothing but somebody. */
export async function listStoppedLocations(db: Db, { locationIds, limit }: Reach & { limit: number }) {
  return db
    .select()
    .from(locations)
    .where(and(isPaused, isNull(locations.deletedAt), locationIds && isAnyOf(locations.id, locationIds)))
    .orderBy(sql`${locations.pausedUntil} is not null`, asc(locations.id))
    .limit(limit);
}
