import { and, asc, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { startOfDay } from "../budgets.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";
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
    ? waitingOf(isAnyOf(lanes.locationId, locationIds), maxWalked)
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

/** What each of some locations has used of its day's calls, and how many deliveries wait: of all alike many, together `maxWalked`. */
export async function readLoads(db: Db, locationIds: string[]): Promise<Map<string, Load>> {
  const most = Math.max(1, Math.floor(maxWalked / Math.max(1, locationIds.length)));
  const rows = await selectRows<{ id: string; callsToday: number; count: number }>(
    db,
    sql`
      select asked.id, coalesce(used.calls, 0)::int as "callsToday", waiting.count
      from unnest(${sql.param(locationIds)}::text[]) as asked (id)
      left join lateral (
        select day_used as calls from budgets where location_id = asked.id and day_started_at = ${startOfDay}
      ) used on true
      cross join lateral (
        select count(*)::int as count from (${waitingOf(sql`${lanes.locationId} = asked.id`, most + 1)}) ids
      ) waiting`,
  );
  return new Map(
    rows.map(({ id, callsToday, count }) => [
      id,
      { callsToday, waiting: { count: Math.min(count, most), isAll: count <= most } },
    ]),
  );
}

export interface Load {
  callsToday: number;
  /** `isAll` is false where more wait than are counted. */
  waiting: { count: number; isAll: boolean };
}

function waitingOf(isOfLocation: SQL, most: number): SQL {
  // Lane by lane in its order, for which there is one index: by any other all that waits would be read for each of them.
  const inLanes = (isOfKind: SQL) => sql`
    select waiting.id from lanes cross join lateral (
      select id from deliveries
      where conversation_id = lanes.conversation_id and kind = lanes.kind and state = 'pending'
      order by number limit ${most}
    ) waiting
    where ${isOfLocation} and due_at is not null and ${isOfKind}`;
  return sql`${inLanes(sql`kind not in ('send-outbound', 'post-event')`)}
    union all ${inLanes(sql`kind = 'send-outbound'`)} limit ${most}`;
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
