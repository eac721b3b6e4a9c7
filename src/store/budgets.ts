import { sql } from "drizzle-orm";
import { isAnyOf } from "./postgres/any-of.ts";
import { type Db, selectRows } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import { budgets, locations } from "./schema.ts";

/** How fast requests are forgotten, and how many may stand there unforgotten. */
export interface BudgetLimits {
  perSecond: number;
  atOnce: number;
  perDay: number;
  /** While HighLevel says that its day is used up, one call goes out after so long, to ask. */
  askAfterSeconds: number;
}

export interface PermitRequest {
  locationId: string;
  count: number;
  /** So many more, of a quarter at most of what is left then. */
  ahead: number;
  /** The least that must stand there unforgotten, by what HighLevel said. */
  minUsed: number;
  /** How much of the day is used, if HighLevel said so. */
  dayUsed: number | undefined;
}

export interface Permits {
  locationId: string;
  /** How many of those that were asked for, those ahead after the others. */
  granted: number;
  /** When there will be another one; 0 when there is one now. */
  nextInSeconds: number;
  /** Until when it is not the interval but the day that is used up. */
  isDayUsed: boolean;
}

/**
 * Takes permits for calls to HighLevel, of several locations at once. A leaky bucket, counted by PostgreSQL's clock: in no
 * ten seconds more than ten times `perSecond` and `atOnce` are given out, to all processes together. A day is one of UTC.
 * Locations that have no budget yet are left out of the answer: see `addBudgets`.
 *
 * The count may be lost in a crash of PostgreSQL: it is not worth the wait for the disk.
 */
export async function takePermits(db: Db, wanted: PermitRequest[], limits: BudgetLimits): Promise<Permits[]> {
  return take(db, { wanted: JSON.stringify(wanted), ...limits });
}

/** Of UTC. */
export const startOfDay = sql`date_trunc('day', now() at time zone 'utc') at time zone 'utc'`;

const take = prepare<BudgetLimits & { wanted: string }, Permits>(
  "take-permits",
  (value) => sql`
    with settings as materialized (
      select set_config('synchronous_commit', 'off', true), ${value("perSecond")}::float8 as per_second,
        ${value("atOnce")}::int as at_once, ${value("perDay")}::int as per_day,
        make_interval(secs => ${value("askAfterSeconds")}::float8) as ask_after
    ), wanted as (
      select "locationId" as location_id, count, ahead, "minUsed" as least_used, "dayUsed" as said_day_used
      from json_to_recordset(${value("wanted")}::json) as wanted (
        "locationId" text, count int, ahead int, "minUsed" int, "dayUsed" int
      )
    ), locked as materialized (
      select budgets.*, count, ahead, least_used, said_day_used,
        ${startOfDay} as today,
        least(floor(greatest(extract(epoch from now() - interval_started_at), 0) * per_second), interval_used)::int
          as forgotten
      from budgets join wanted using (location_id), settings
      order by budgets.location_id
      for update of budgets
    ), counted as materialized (
      select location_id, count, ahead, today,
        greatest(interval_used - forgotten, least_used) as used,
        case when forgotten = interval_used then now()
          else interval_started_at + make_interval(secs => forgotten / per_second) end as counted_until,
        coalesce(said_day_used, case when day_started_at = today then day_used else 0 end) as day_used,
        case when said_day_used >= per_day then coalesce(day_asked_at, now())
          when said_day_used is null and day_started_at = today then day_asked_at end as asked_at
      from locked, settings
    ), decided as materialized (
      select *, asked_at <= now() - ask_after as is_time_to_ask,
        greatest(least(count + least(ahead, greatest(at_once - used - count, 0) / 4), at_once - used,
          case when asked_at <= now() - ask_after then 1 else per_day - day_used end), 0) as granted
      from counted, settings
    ), taken as (
      update budgets
      set interval_started_at = counted_until, interval_used = used + granted,
        day_started_at = today, day_used = decided.day_used + granted,
        day_asked_at = case when is_time_to_ask and granted > 0 then now() else asked_at end
      from decided
      where budgets.location_id = decided.location_id
    )
    select location_id as "locationId", granted, day_used + granted >= per_day as "isDayUsed",
      (case
        when day_used + granted >= per_day then least(
          extract(epoch from today + interval '1 day' - now()),
          extract(epoch from case when is_time_to_ask then now() else asked_at end + ask_after - now())
        )
        else greatest((used + granted + 1 - at_once) / per_second - extract(epoch from now() - counted_until), 0)
      end)::float8 as "nextInSeconds"
    from decided`,
);

/** How many calls to HighLevel the location has made on this day. */
export async function countCallsToday(db: Db, locationId: string): Promise<number> {
  const [row] = await selectRows<{ used: number }>(
    db,
    sql`
      select day_used as used from budgets where location_id = ${locationId} and day_started_at = ${startOfDay}`,
  );
  return row?.used ?? 0;
}

/** Full ones, for those of these locations that have none. */
export async function addBudgets(db: Db, locationIds: string[]): Promise<void> {
  const full = db
    .select({
      locationId: locations.id,
      intervalStartedAt: sql`now()`.as("interval_started_at"),
      intervalUsed: sql`0`.as("interval_used"),
      dayStartedAt: sql`now()`.as("day_started_at"),
      dayUsed: sql`0`.as("day_used"),
      dayAskedAt: sql`null::timestamptz`.as("day_asked_at"),
    })
    .from(locations)
    .where(isAnyOf(locations.id, locationIds));
  await db.insert(budgets).select(full).onConflictDoNothing();
}
