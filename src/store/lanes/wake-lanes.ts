import { sql } from "drizzle-orm";
import type { DeliveryKind } from "../../model.ts";
import type { Db } from "../postgres/database.ts";
import { eventsLast } from "./held-lane.ts";

/** Has the lanes of replayed deliveries looked at again: at once, or when its holder gives it back. */
export async function wakeLanes(tx: Db, replayed: { conversationId: number; kind: DeliveryKind }[]): Promise<void> {
  if (replayed.length === 0) return;
  const lanes = replayed.map(({ conversationId, kind }) => ({ conversationId, kind }));
  await tx.execute(sql`
    with replayed as materialized (
      select distinct "conversationId", kind
      from json_to_recordset(${JSON.stringify(lanes)}::json) as input ("conversationId" bigint, kind text)
    ), locked as (
      select lanes.conversation_id, lanes.kind
      from replayed
      join lanes on lanes.conversation_id = replayed."conversationId" and lanes.kind = replayed.kind
      ${inLockOrder}
    )
    ${wakeLocked}`);
}

/** How a statement locks lanes, so that none waits for one that waits for it. */
export const inLockOrder = sql`order by lanes.${eventsLast}, lanes.conversation_id, lanes.kind for update of lanes`;

/** Has the lanes that are `locked` looked at again: at once, or when their holder gives them back. */
export const wakeLocked = sql`
  update lanes
  set counter = counter + 1, due_at = case when lease_token is null then now() else due_at end
  from locked
  where lanes.conversation_id = locked.conversation_id and lanes.kind = locked.kind`;
