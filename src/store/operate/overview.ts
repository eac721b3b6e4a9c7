import { and, asc, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { listNewest, maxWalked } from "../postgres/walk-newest.ts";
import { conversations, deliveries, locations, mappings, messages } from "../schema.ts";
import { isPaused } from "../trouble/paused-locations.ts";
import { conditionsOf, walkDeliveries } from "./list-deliveries.ts";

interface Reach {
  locationIds: string[] | undefined;
}

/** How many deliveries wait, of the newest of them, and since when; of events it says nothing. */
export async function countWaiting(db: Db, reach: Reach): Promise<{ count: number; oldestAt: Date | null }> {
  const waiting = { ...reach, state: "pending" as const, limit: maxWalked };
  const walk = await walkDeliveries(db, waiting);
  const { replayedAt, createdAt } = deliveries;
  const oldestAt = sql<Date | null>`min(coalesce(${replayedAt}, ${createdAt}))`.mapWith(createdAt);
  const { rows } = await listNewest(db, walk ? [walk] : [], waiting, (tx, ids) =>
    tx
      .select({ count: sql<number>`count(*)::int`, oldestAt })
      .from(deliveries)
      .where(
        and(
          sql`${deliveries.id} = any(array(${ids}))`,
          sql`${deliveries.kind} <> 'post-event'`,
          ...conditionsOf(waiting),
        ),
      ),
  );
  return rows[0] ?? { count: 0, oldestAt: null };
}

/** Of the newest of all that failed. */
export async function countFailedMessages(db: Db, { locationIds }: Reach): Promise<number> {
  const newest = db
    .select({ conversationId: messages.conversationId })
    .from(messages)
    .where(eq(messages.state, "failed"))
    .orderBy(sql`${messages.id} desc`)
    .limit(maxWalked)
    .as("newest");
  const [counted] = await db
    .select({ count: sql<number>`count(*)::int` })
    .from(newest)
    .innerJoin(conversations, eq(conversations.id, newest.conversationId))
    .where(locationIds && isAnyOf(conversations.locationId, locationIds));
  return counted?.count ?? 0;
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
  const { id, name, pausedReason: reason, pausedDetail: detail } = locations;
  return db
    .select({ id, name, reason, detail })
    .from(locations)
    .where(and(isPaused, isNull(locations.deletedAt), locationIds && isAnyOf(id, locationIds)))
    .orderBy(sql`${locations.pausedUntil} is not null`, asc(id))
    .limit(limit);
}
