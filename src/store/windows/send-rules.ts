import { sql } from "drizzle-orm";
import { isTo } from "../lanes/held-lane.ts";
import { inLockOrder, wakeLocked } from "../lanes/wake-lanes.ts";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import type { MappingRow } from "../schema.ts";

/** When a mapping may send, and how much; with the time by PostgreSQL's clock. */
export interface SendRules
  extends Pick<MappingRow, "id" | "sendFrom" | "sendUntil" | "sendDays" | "timeZone" | "answerHours" | "dailyCap"> {
  isDeleted: boolean;
  nowMs: number;
}

/** As they are now, of a mapping that was moved those of where it goes on. Undefined where there is no such mapping. */
export async function readSendRules(db: Db, mappingId: string): Promise<SendRules | undefined> {
  const [rules] = await selectRules(db, { mappingId });
  return rules;
}

const selectRules = prepare<{ mappingId: string }, SendRules>(
  "send-rules",
  (value) => sql`
    with recursive moved as (
      select * from mappings where id = ${value("mappingId")}
      union all select next.* from moved join mappings next on next.id = moved.moved_to
    )
    select id, send_from as "sendFrom", send_until as "sendUntil", send_days as "sendDays", time_zone as "timeZone",
      answer_hours as "answerHours", daily_cap as "dailyCap", deleted_at is not null as "isDeleted",
      extract(epoch from now())::float8 * 1000 as "nowMs"
    from moved where moved_to is null`,
);

/**
 * Has what a mapping is to send looked at again, as the rules by which it may have changed: at once, or when whoever holds a lane
 * gives it back. What was moved to this mapping is among it.
 */
export async function wakeSends(tx: Db, mappingId: string): Promise<void> {
  await tx.execute(sql`
    with recursive moved as (
      select id, location_id from mappings where id = ${mappingId}
      union all select former.id, former.location_id from moved join mappings former on former.moved_to = moved.id
    ), locked as (
      select lanes.conversation_id, lanes.kind
      from moved join lanes on lanes.location_id = moved.location_id and lanes.mapping_id = moved.id
      where lanes.due_at is not null and ${isTo.provider(sql`lanes.kind`)} and lanes.kind = 'send-outbound'
      ${inLockOrder}
    )
    ${wakeLocked}`);
}

/** Has the person written in this conversation within so many hours, before this message? What an import brought was long before. */
export async function hasWrittenLately(
  db: Db,
  { conversationId, beforeId, hours }: { conversationId: number; beforeId: number; hours: number },
): Promise<boolean> {
  const [last] = await selectLastWritten(db, { conversationId, beforeId, hours });
  return last?.isLately ?? false;
}

const selectLastWritten = prepare<{ conversationId: number; beforeId: number; hours: number }, { isLately: boolean }>(
  "last-written",
  (value) => sql`
    select received_at > now() - make_interval(hours => ${value("hours")}::int) as "isLately"
    from messages
    where conversation_id = ${value("conversationId")} and id < ${value("beforeId")}
      and direction = 'inbound' and automatic is null and origin <> 'import'
    order by id desc limit 1`,
);
