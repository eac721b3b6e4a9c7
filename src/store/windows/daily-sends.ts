import { type SQL, sql } from "drizzle-orm";
import { type Db, selectRows } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";

interface CountedSend {
  /** What is to be sent. */
  messageId: number;
  mappingId: string;
}

/** A day of a mapping's zone as it is now, and how many may be sent on it. */
interface CappedDay {
  /** As in `2026-11-28`. */
  day: string;
  /** When it began, and what time it is, by PostgreSQL's clock. */
  dayBeganMs: number;
  nowMs: number;
  cap: number;
}

/** Is what was counted of a day before this one? Where the zone has changed, what was counted since this day began still counts. */
const isOver = (day: SQL, beganMs: SQL) =>
  sql`coalesce(daily_sends.counted_at < to_timestamp(${beganMs}::float8 / 1000), daily_sends.day < ${day}::date)`;

/** Were as many sent on this day as may be? A message that is counted already is one of them. */
export async function isDayFull(db: Db, send: CountedSend & CappedDay): Promise<boolean> {
  const { mappingId, messageId, day, dayBeganMs, cap } = send;
  const [row] = await selectRows<{ isFull: boolean }>(
    db,
    sql`
      select exists (
        select from daily_sends
        where mapping_id = ${mappingId} and count >= ${cap} and not ${isOver(sql`${day}`, sql`${dayBeganMs}`)}
      ) and not exists (
        select from deliveries where message_id = ${messageId} and kind = 'send-outbound' and counted_on = ${day}::date
      ) as "isFull"`,
  );
  return row?.isFull ?? false;
}

/**
 * Counts a message for its mapping's day before it is sent; once, however often it is tried on that day. `false`, and nothing is
 * counted, where as many were as the mapping may send, whoever else counts at the same time.
 */
export async function countSend(db: Db, send: CountedSend & CappedDay): Promise<boolean> {
  const [row] = await count(db, send);
  return row?.isCounted ?? false;
}

const count = prepare<CountedSend & CappedDay, { isCounted: boolean }>("count-send", (value) => {
  const isNewDay = isOver(sql`${value("day")}`, sql`${value("dayBeganMs")}`);
  const at = sql`to_timestamp(${value("nowMs")}::float8 / 1000)`;
  return sql`
    with before as (
      select id, counted_on = ${value("day")}::date as is_counted from deliveries
      where message_id = ${value("messageId")}::bigint and kind = 'send-outbound'
      for no key update
    ), counted as (
      insert into daily_sends (mapping_id, day, count, counted_at)
      select ${value("mappingId")}::uuid, ${value("day")}::date, 1, ${at} from before where is_counted is not true limit 1
      on conflict (mapping_id) do update
      set day = excluded.day, counted_at = greatest(daily_sends.counted_at, excluded.counted_at),
        count = case when ${isNewDay} then 1 else daily_sends.count + 1 end
      where ${isNewDay} or daily_sends.count < ${value("cap")}::int
      returning day
    ), marked as (
      update deliveries set counted_on = ${value("day")}::date from before
      where deliveries.id = before.id and exists (select from counted)
    )
    select exists (select from counted) or exists (select from before where is_counted) as "isCounted"`;
});

/** What was counted and is known not to have been sent leaves its place to another one. */
export async function uncountSend(db: Db, send: CountedSend): Promise<void> {
  await uncount(db, send);
}

const uncount = prepare<CountedSend>(
  "uncount-send",
  (value) => sql`
    with before as (
      select id, counted_on from deliveries
      where message_id = ${value("messageId")}::bigint and kind = 'send-outbound' and counted_on is not null
      for no key update
    ), marked as (
      update deliveries set counted_on = null from before where deliveries.id = before.id
    )
    update daily_sends set count = count - 1 from before
    where mapping_id = ${value("mappingId")}::uuid and day = before.counted_on and count > 0`,
);

/** What a mapping has sent on its day counts where it goes on. */
export async function carrySends(tx: Db, fromId: string, toId: string): Promise<void> {
  await tx.execute(sql`
    insert into daily_sends (mapping_id, day, count, counted_at)
    select ${toId}, day, count, counted_at from daily_sends where mapping_id = ${fromId}`);
}
