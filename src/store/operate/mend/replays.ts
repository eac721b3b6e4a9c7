import { and, asc, desc, eq, isNotNull, lte, or, type SQL, sql } from "drizzle-orm";
import { countStates } from "../../deliveries.ts";
import { isTo } from "../../lanes/held-lane.ts";
import { type Db, secondsFromNow, selectRows } from "../../postgres/database.ts";
import { listNewest, type Page, rowsOfEach } from "../../postgres/walk-newest.ts";
import { deliveries, keys, type Replay, type ReplayFilter, replays } from "../../schema.ts";
import { isMappingPaused } from "../../trouble/holds.ts";
import { isLocationReady } from "../../trouble/paused-locations.ts";
import type { WebhookReach } from "../../webhooks.ts";

type OfDeliveries = Extract<ReplayFilter, { of: "deliveries" }>;
type OfWebhooks = Extract<ReplayFilter, { of: "webhooks" }>;

/** Which are meant, as far as a key reaches. */
export function whichDead({ of: _of, from, until, locationId, ...filter }: OfDeliveries, reach: WebhookReach) {
  return { ...filter, ...timesOf({ from, until }), locationIds: locationsOf(locationId, reach) };
}

export function whichFailed(
  { of: _of, from, until, ...filter }: OfWebhooks,
  { locationIds, isToMapping }: WebhookReach,
) {
  return { ...filter, ...timesOf({ from, until }), locationIds, isToMapping };
}

const timesOf = ({ from, until }: Pick<ReplayFilter, "from" | "until">) => ({
  from: from === undefined ? undefined : new Date(from),
  until: until === undefined ? undefined : new Date(until),
});

function locationsOf(locationId: string | undefined, { locationIds }: WebhookReach): string[] | undefined {
  if (locationId === undefined) return locationIds;
  return locationIds?.includes(locationId) === false ? [] : [locationId];
}

export type NewReplay = Pick<Replay, "filter" | "perSecond" | "keyId" | "userId" | "counted">;

export async function insertReplay(db: Db, replay: NewReplay): Promise<Replay> {
  const [stored] = await db.insert(replays).values(replay).returning();
  return stored as Replay;
}

/** Whose they are: undefined for all, else those of keys that reach no other locations than these; of none, of any key. Users of HighLevel are of one location. */
export interface ReplayReach {
  ofKeys?: { locationIds: string[] | undefined } | undefined;
}

function isOf({ ofKeys }: ReplayReach): SQL | undefined {
  if (!ofKeys?.locationIds) return ofKeys && or(isNotNull(replays.keyId), isNotNull(replays.userId));
  const locationIds = sql`${sql.param(ofKeys.locationIds)}::text[]`;
  return or(
    sql`exists (select from ${keys} where ${keys.id} = ${replays.keyId} and ${keys.locationIds} <@ ${locationIds})`,
    and(isNotNull(replays.userId), sql`${replays.filter}->>'locationId' = any(${locationIds})`),
  );
}

export async function findReplay(db: Db, id: number, reach: ReplayReach): Promise<Replay | undefined> {
  const [found] = await db
    .select()
    .from(replays)
    .where(and(eq(replays.id, id), isOf(reach)));
  return found;
}

/** Newest first. However few fit, it looks at no more than some thousands: then `walkedTo` says where to go on. */
export async function listReplays(
  db: Db,
  { ofKeys, ...page }: ReplayReach & { before?: number | undefined; limit: number },
): Promise<Page<Replay>> {
  const walk = { table: replays, rows: rowsOfEach(1, page.limit, ofKeys !== undefined) };
  return listNewest(db, [walk], page, (tx, isWalked) =>
    tx
      .select()
      .from(replays)
      .where(and(isWalked, isOf({ ofKeys })))
      .orderBy(desc(replays.id))
      .limit(page.limit),
  );
}

/** How many of those that it has had go out again are how. */
export const countOutcomes = (db: Db, id: number) =>
  countStates(db, and(isNotNull(deliveries.replayId), eq(deliveries.replayId, id)));

/** Locks one whose step is due, until the transaction ends: others pass it over. */
export async function lockDueReplay(tx: Db): Promise<Replay | undefined> {
  const [due] = await tx
    .select()
    .from(replays)
    .where(and(eq(replays.state, "running"), lte(replays.nextAt, sql`now()`)))
    .orderBy(asc(replays.nextAt))
    .limit(1)
    .for("update", { skipLocked: true });
  return due;
}

/** The next step is in a second. */
export async function noteStep(
  tx: Db,
  id: number,
  { replayed, ...done }: { replayed: number } & Pick<Replay, "after" | "reason">,
): Promise<void> {
  await tx
    .update(replays)
    .set({ ...done, replayed: sql`${replays.replayed} + ${replayed}`, nextAt: secondsFromNow(1) })
    .where(eq(replays.id, id));
}

/** A step failed and was undone: others go on, and it is tried again in a minute. */
export async function noteFailedStep(db: Db, id: number, reason: string): Promise<void> {
  const isRunning = and(eq(replays.id, id), eq(replays.state, "running"));
  await db
    .update(replays)
    .set({ reason, nextAt: secondsFromNow(60) })
    .where(isRunning);
}

/** How many run that a key has made, a user of HighLevel, or the operator; and in all. */
export async function countRunning(
  db: Db,
  { keyId, userId }: Pick<Replay, "keyId" | "userId">,
): Promise<{ own: number; all: number }> {
  const [counted] = await db
    .select({
      own: sql<number>`count(*) filter (where ${replays.keyId} is not distinct from ${keyId}::bigint
        and ${replays.userId} is not distinct from ${userId}::text)::int`,
      all: sql<number>`count(*)::int`,
    })
    .from(replays)
    .where(eq(replays.state, "running"));
  return counted ?? { own: 0, all: 0 };
}

/** How many webhooks up to this one, up to so many, are still to be processed. */
export async function countUnprocessed(tx: Db, upTo: number, limit: number): Promise<number> {
  const rows = await selectRows(
    tx,
    sql`select 1 from webhooks where state = 'received' and id <= ${upTo} limit ${limit}`,
  );
  return rows.length;
}

/** `false` where it had ended before. */
export async function endReplay(db: Db, id: number, end: Pick<Replay, "state" | "reason">): Promise<boolean> {
  const ended = await db
    .update(replays)
    .set({ ...end, finishedAt: sql`now()` })
    .where(and(eq(replays.id, id), eq(replays.state, "running")))
    .returning({ id: replays.id });
  return ended.length > 0;
}

/**
 * How many of what it has had go out again, up to so many, have not gone yet: those that could, and those that are held with
 * all sends, which else would all go at once when that is over. What stands behind one that is tried later goes one after
 * another, what waits for its location has HighLevel's limits before it, and of a paused mapping there is no more than
 * went before the pause: none of these keeps back what is others'.
 */
export async function countWaiting(tx: Db, id: number, limit: number): Promise<number> {
  const rows = await selectRows(
    tx,
    sql`
      select 1 from deliveries d
      join lanes lane using (conversation_id, kind) join locations on locations.id = lane.location_id
      where d.replay_id is not null and d.replay_id = ${id} and d.state = 'pending'
        and (d.retry_at is null or d.retry_at <= now())
        and (lane.lease_token is not null or coalesce(lane.due_at, now()) <= now())
        and (${isTo.provider(sql`lane.kind`)} or ${isLocationReady}) and not ${isMappingPaused(sql`lane.mapping_id`)}
      limit ${limit}`,
  );
  return rows.length;
}
