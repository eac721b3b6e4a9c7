import { sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";

interface CountedSend {
  /** What is to be sent. */
  messageId: number;
  mappingId: string;
}

/**
 * Counts a message for its mapping's day, as in `2026-11-28`, before it is sent; once, however often it is tried on that day.
 * `false`, and nothing is counted, where as many were as the mapping may send, whoever else counts at the same time.
 */
export async function countSend(db: Db, send: CountedSend & { day: string; cap: number }): Promise<boolean> {
  const [row] = await count(db, send);
  return row?.isCounted ?? false;
}

/** A day never goes back: processes and time zones may differ about it for a moment. */
const count = prepare<CountedSend & { day: string; cap: number }, { isCounted: boolean }>(
  "count-send",
  (value) => sql`
    with before as (
      select id, counted_on = ${value("day")}::date as is_counted from deliveries
      where message_id = ${value("messageId")}::bigint and kind = 'send-outbound'
      for no key update
    ), counted as (
      insert into daily_sends (mapping_id, day, count)
      select ${value("mappingId")}::uuid, ${value("day")}::date, 1 from before where is_counted is not true limit 1
      on conflict (mapping_id) do update
      set day = greatest(daily_sends.day, excluded.day),
        count = case when daily_sends.day < excluded.day then 1 else daily_sends.count + 1 end
      where daily_sends.day < excluded.day or daily_sends.count < ${value("cap")}::int
      returning day
    ), marked as (
      update deliveries set counted_on = ${value("day")}::date from before
      where deliveries.id = before.id and exists (select from counted)
    )
    select exists (select from counted) or exists (select from before where is_counted) as "isCounted"`,
);

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
