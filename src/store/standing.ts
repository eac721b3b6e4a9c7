import { type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../errors.ts";
import type { DeliveryKind } from "../model.ts";
import { startOfDay } from "./budgets.ts";
import { isTo, type LaneTarget } from "./lanes/held-lane.ts";
import { countFailingMailboxes } from "./mailboxes/mailboxes.ts";
import { type Db, selectRows } from "./postgres/database.ts";
import { deliveries, isEvent, noMapping } from "./schema.ts";
import { findHold, isLetOut } from "./trouble/holds.ts";
import { isLocationReady, listPausedLocations, type PausedLocation } from "./trouble/paused-locations.ts";
import { readWaiting, type Waiting } from "./trouble/waiting.ts";

/** How things stand, for an operator or a monitor. */
export interface Standing {
  /** Deliveries that wait, with the age of the oldest. */
  pending: { kind: DeliveryKind; count: number; oldestSeconds: number }[];
  dead: { reason: FailureReason; count: number }[];
  failedWebhooks: number;
  /** Webhooks that are stored and not yet processed. */
  receivedWebhooks: number;
  /** Locations of which nothing is claimed, by why. */
  paused: { reason: FailureReason; count: number }[];
  /** Up to 100 of them by name. */
  pausedLocations: PausedLocation[];
  /** Mailboxes from which nothing can be fetched, by why. */
  failingMailboxes: { reason: FailureReason; count: number }[];
  /** Mappings that somebody paused. */
  pausedMappings: number;
  waiting: Waiting[];
  /** Since when nothing goes out to people. */
  sendsHeldSince: Date | undefined;
  behindSeconds: number;
  budgets: Budgets;
}

/** What locations have asked of HighLevel on this day of UTC. Those with the least left come first. */
export interface Budgets {
  tightest: { locationId: string; dayUsed: number }[];
  /** By all locations together. */
  dayUsed: number;
}

const maxPending = 50_000;
const oldestPending = (isAnEvent: 0 | 1) => sql`
  (select kind, coalesce(replayed_at, created_at) as since from deliveries
  where state = 'pending' and ${isEvent(deliveries.kind)} = ${sql.raw(String(isAnEvent))} order by id limit ${maxPending})`;
const maxDead = 10_000;
const maxWebhooks = 1_000;
const maxBudgets = 10;
const maxPaused = 100;

/**
 * Reads how things stand, by indexes alone: what it costs grows with what waits and is dead, up to a bound, and with the
 * number of mappings and locations, not with what is finished. So the counts are bounded too: 50,000 waiting deliveries and events,
 * the oldest, 10,000 dead ones, the newest, 10,000 failed webhooks, and 1,000 unprocessed ones of each mapping.
 */
export async function readStanding(db: Db): Promise<Standing> {
  // Three statements at once, as people's connections are.
  const [waiting, givenUp, paused] = await Promise.all([readAllWaiting(db), readGivenUp(db), readPaused(db)]);
  return { ...waiting, ...givenUp, ...paused };
}

async function readAllWaiting(db: Db) {
  return {
    pending: await selectRows<Standing["pending"][number]>(
      db,
      sql`
        select kind, count(*)::int as count, extract(epoch from now() - min(since))::float8 as "oldestSeconds"
        from (
          ${oldestPending(0)} union all ${oldestPending(1)}
        ) waiting
        group by kind`,
    ),
    receivedWebhooks: await count(db, receivedWebhooks),
    waiting: await readWaiting(db),
    behindSeconds: await readBehindSeconds(db),
  };
}

async function readGivenUp(db: Db) {
  return {
    dead: await selectRows<Standing["dead"][number]>(
      db,
      sql`
        select reason, count(*)::int as count
        from (select reason from deliveries where state = 'dead' order by id desc limit ${maxDead}) dead
        group by reason`,
    ),
    failedWebhooks: await count(
      db,
      sql`select id from webhooks where state = 'failed' order by id desc limit ${maxDead}`,
    ),
    budgets: await readBudgets(db),
  };
}

async function readPaused(db: Db) {
  return {
    paused: await selectRows<Standing["paused"][number]>(
      db,
      sql`
        select paused_reason as reason, count(*)::int as count
        from locations
        where paused_reason is not null and (paused_until is null or paused_until > now()) and deleted_at is null
        group by paused_reason`,
    ),
    pausedLocations: await listPausedLocations(db, maxPaused),
    failingMailboxes: await countFailingMailboxes(db),
    pausedMappings: await count(db, sql`select id from mappings where paused_at is not null and deleted_at is null`),
    sendsHeldSince: (await findHold(db))?.createdAt,
  };
}

/**
 * How long the oldest work has waited that could be done at once: a webhook to be processed, or a lane that is due, is
 * not leased, is not held, of no paused mapping, and whose location is neither paused nor without a token. More than some seconds mean that no worker runs,
 * or too few.
 */
export async function readBehindSeconds(db: Db): Promise<number> {
  const firstDue = (target: LaneTarget) => sql`
    select due_at as since from lanes
    where lanes.location_id = locations.id and lanes.mapping_id = parts.mapping_id and due_at <= now() and ${isTo[target](sql`kind`)}
      and ${isLetOut(sql`kind`)}
    order by due_at
    limit 1`;
  const firstReceived = (isOfMapping: SQL) => sql`
    select received_at as since from webhooks where ${isOfMapping} and state = 'received' order by id limit 1`;
  const [behind] = await selectRows<{ seconds: number | null }>(
    db,
    sql`
      with parts as materialized (
        select id as mapping_id, location_id from mappings where paused_at is null union all select ${noMapping}::uuid, id from locations
      )
      select extract(epoch from now() - min(since))::float8 as seconds
      from (
        (select since from parts join locations on locations.id = location_id
          cross join lateral (${firstDue("highlevel")}) due
          where ${isLocationReady})
        union all (select since from parts join locations on locations.id = location_id
          cross join lateral (${firstDue("provider")}) due)
        union all (select since from mappings cross join lateral (${firstReceived(sql`mapping_id = mappings.id`)}) first)
        union all (${firstReceived(sql`mapping_id is null`)})
      ) waiting`,
  );
  return Math.max(0, behind?.seconds ?? 0);
}

const receivedWebhooks = sql`
  (select received.id from mappings cross join lateral (
    select id from webhooks where mapping_id = mappings.id and state = 'received' limit ${maxWebhooks}
  ) received)
  union all (select id from webhooks where mapping_id is null and state = 'received' limit ${maxWebhooks})`;

async function readBudgets(db: Db): Promise<Budgets> {
  const tightest = await selectRows<Budgets["tightest"][number] & { total: number }>(
    db,
    sql`
      select location_id as "locationId", day_used as "dayUsed", sum(day_used) over ()::int as total
      from budgets
      where day_started_at >= ${startOfDay}
      order by day_used desc
      limit ${maxBudgets}`,
  );
  return { tightest, dayUsed: tightest[0]?.total ?? 0 };
}

async function count(db: Db, rows: SQL): Promise<number> {
  const [counted] = await selectRows<{ count: number }>(db, sql`select count(*)::int as count from (${rows}) counted`);
  return counted?.count ?? 0;
}
