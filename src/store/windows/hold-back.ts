import { sql } from "drizzle-orm";
import type { FailureReason, WindowReason } from "../../errors.ts";
import type { HeldLane } from "../lanes/held-lane.ts";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";

interface Holding {
  lane: Pick<HeldLane, "conversationId" | "kind" | "leaseToken" | "counter">;
  deliveryId: number;
  reason: WindowReason;
  detail: string;
  inSeconds: number;
}

/**
 * Holds a delivery back that has not been carried out, and gives its lane back until then, without an attempt. `true` when the lane is due again at once, as
 * something has come or changed meanwhile.
 */
export async function holdBack(db: Db, { lane, ...holding }: Holding): Promise<boolean> {
  const { conversationId, kind, leaseToken, counter } = lane;
  const [changed] = await holdOne(db, { conversationId, kind, leaseToken, counter, ...holding });
  return changed?.isDue ?? false;
}

const holdOne = prepare<Holding["lane"] & Omit<Holding, "lane">, { isDue: boolean }>(
  "hold-back",
  (value) => sql`
    with lane as (
      update lanes
      set lease_token = null,
        due_at = case when counter <> ${value("counter")} then now()
          else now() + make_interval(secs => ${value("inSeconds")}::float8) end
      where conversation_id = ${value("conversationId")} and kind = ${value("kind")}
        and lease_token = ${value("leaseToken")}
      returning due_at <= now() as is_due
    ), held as (
      update deliveries
      set reason = ${value("reason")}, detail = ${value("detail")}, may_have_happened = false,
        retry_at = now() + make_interval(secs => ${value("inSeconds")}::float8),
        held_at = case when released_at is null then coalesce(held_at, now()) else now() end, released_at = null
      where id = ${value("deliveryId")} and state = 'pending' and exists (select from lane)
    )
    select is_due as "isDue" from lane`,
);

/**
 * Of a message that is to be sent: may a recorded attempt have sent it, which ended by one of these reasons, or was it counted for a day,
 * as it is before it begins? That it is in doubt says no more than that somebody died: an attempt that nobody was called by leaves it so.
 */
export async function hasBegun(db: Db, messageId: number, unknownBy: FailureReason[]): Promise<boolean> {
  const [row] = await selectBegun(db, { messageId, unknownBy: JSON.stringify(unknownBy) });
  return row?.hasBegun ?? false;
}

const selectBegun = prepare<{ messageId: number; unknownBy: string }, { hasBegun: boolean }>(
  "has-begun",
  (value) => sql`
    select counted_on is not null or may_have_happened and coalesce(
      (select bool_or(${value("unknownBy")}::jsonb ? outcome) from attempts where delivery_id = deliveries.id), true
    ) as "hasBegun"
    from deliveries where message_id = ${value("messageId")}::bigint and kind = 'send-outbound'`,
);
