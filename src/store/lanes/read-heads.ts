import { sql } from "drizzle-orm";
import { type DeliveryKind, optOutChannels } from "../../model.ts";
import { columnsOf } from "../postgres/columns.ts";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import { type Conversation, conversations, type Delivery, deliveries, type Message, messages } from "../schema.ts";
import { heldFor, isHeldBack } from "../windows/held-back.ts";

export interface HeldDelivery {
  delivery: Pick<Delivery, (typeof headKeys)[number]>;
  /** Undefined for an event that is not about one. */
  message: Message | undefined;
  /** The message's; of an event the endpoint's. */
  conversation: Conversation;
  /**
   * How long its next attempt must wait; nothing behind it may pass. Not above 0 when it is due. What is held back always is: the
   * attempt finds out what holds now.
   */
  dueInSeconds: number;
  /** Does it wait to be sent to somebody who has opted out of anything? If that holds for it, nothing is to be waited for. */
  isToOptedOut: boolean;
  /** Since its first attempt that counted, by PostgreSQL's clock, without the time that it was held back. */
  triedForSeconds: number;
}

const headKeys = [
  "id",
  "kind",
  "conversationId",
  "number",
  "attempts",
  "isOutcomeUnknown",
  "event",
  "webhookId",
  "importId",
] as const;
const deliveryColumns = columnsOf<HeldDelivery["delivery"]>(deliveries, headKeys);
const messageColumns = columnsOf<Message>(messages);
const conversationColumns = columnsOf<Conversation>(conversations);

/** A held lane, and the number from which its deliveries are read. */
type ClaimedFrom = { conversationId: number; kind: DeliveryKind; claimedFrom: number };

/** The oldest pending deliveries of lanes that are held, at most so many of each. */
export async function readHeads(db: Db, lanes: ClaimedFrom[], perLane: number): Promise<HeldDelivery[]> {
  const rows = await selectHeads(db, { lanes: JSON.stringify(lanes), perLane });
  return rows.map(readHead);
}

/** Is there any opt-out of whom a message is to be sent to? Evaluated for what waits alone. */
const isToOptedOut = sql`deliveries.kind = 'send-outbound' and exists (
  select from opt_outs where location_id = conversations.location_id and address = conversations.address
    and channel in ${sql.raw(`('${optOutChannels.join("', '")}')`)} and lifted_at is null
)`;

const selectHeads = prepare<{ lanes: string; perLane: number }, Record<string, unknown>>(
  "read-heads",
  (value) => sql`
    select ${deliveryColumns.list}, ${messageColumns.list}, ${conversationColumns.list},
      case when ${isHeldBack(sql`deliveries`)} then 0
        else coalesce(extract(epoch from deliveries.retry_at - now()), 0)::float8 end as due_in_seconds,
      deliveries.retry_at > now() and ${isToOptedOut} as is_to_opted_out,
      coalesce(extract(epoch from now() - deliveries.first_attempted_at - ${heldFor(sql`deliveries`)}), 0)::float8 as tried_for_seconds
    from json_to_recordset(${value("lanes")}::json) as held ("conversationId" bigint, kind text, "claimedFrom" bigint)
    cross join lateral (
      select d.id from deliveries d
      where d.conversation_id = held."conversationId" and d.kind = held.kind and d.state = 'pending'
        and d.number >= held."claimedFrom"
      order by d.number
      limit ${value("perLane")}
    ) head
    join deliveries on deliveries.id = head.id
    left join messages on messages.id = deliveries.message_id
    join conversations on conversations.id = deliveries.conversation_id
    order by deliveries.conversation_id, deliveries.number`,
);

const readHead = (row: Record<string, unknown>): HeldDelivery => ({
  delivery: deliveryColumns.read(row),
  message: row["messages.id"] === null ? undefined : messageColumns.read(row),
  conversation: conversationColumns.read(row),
  dueInSeconds: row["due_in_seconds"] as number,
  isToOptedOut: row["is_to_opted_out"] === true,
  triedForSeconds: row["tried_for_seconds"] as number,
});
