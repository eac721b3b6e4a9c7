import { eq, inArray, type SQL, sql } from "drizzle-orm";
import type { DeliveryKind } from "../model.ts";
import { type Db, secondsFromNow, selectRows } from "./database.ts";
import { type Conversation, conversations, type Delivery, deliveries, type Message, messages } from "./schema.ts";

/** A lane that this worker holds until its lease ends, with the oldest of its pending deliveries. */
export interface HeldLane {
  conversationId: number;
  kind: DeliveryKind;
  locationId: string;
  /** The lane's counter when it was claimed; a counter that has grown since means more work. */
  counter: number;
  leaseToken: string;
  /**
   * The one before us died or overran its lease: then the first pending delivery from this number on may have been carried
   * out unseen. One that was replayed meanwhile has a smaller number, and is left for the next claim.
   */
  interruptedFrom: number | null;
  /** Oldest first; at most as many as were asked for. */
  deliveries: HeldDelivery[];
}

export interface HeldDelivery {
  delivery: Delivery;
  message: Message;
  conversation: Conversation;
  /** How long its next attempt must wait; nothing behind it may pass. Not above 0 when it is due. */
  dueInSeconds: number;
  /** Since its first attempt that counted, by PostgreSQL's clock. */
  triedForSeconds: number;
}

/**
 * Leases due lanes and reads the heads of their lines. Two statements, and they must be two: PostgreSQL rechecks a
 * locked lane at its newest version, but would still read its deliveries from the statement's older snapshot, and
 * so deliver twice. Lanes that call HighLevel stay where they are while their location is paused; those that send
 * through a provider go on. Locations take turns, so that a busy one does not keep the others waiting.
 */
export async function claimLanes(
  db: Db,
  claim: { lanes: number; deliveriesPerLane: number; leaseSeconds: number; leaseToken: string },
): Promise<HeldLane[]> {
  const dueLanes = (isSending: SQL) => sql`
    select conversation_id, kind, location_id, lease_token, claimed_from, due_at from lanes
    where lanes.location_id = locations.id and due_at <= now() and kind ${isSending} 'send-outbound'
    order by due_at
    limit ${claim.lanes}
    for update skip locked`;
  const leased = await selectRows<Omit<HeldLane, "deliveries" | "leaseToken"> & { claimedFrom: number }>(
    db,
    sql`
      with due_highlevel as (
        select picked.* from locations cross join lateral (${dueLanes(sql`<>`)}) picked
        where (sealed_token is not null or company_id is not null)
          and (paused_reason is null or paused_until <= now())
      ), due_provider as (
        select picked.* from locations cross join lateral (${dueLanes(sql`=`)}) picked
      ), due as (
        select conversation_id, kind, case when lease_token is not null then claimed_from end as interrupted_from
        from (select * from due_highlevel union all select * from due_provider) either_way
        order by row_number() over (partition by location_id order by due_at), due_at
        limit ${claim.lanes}
      )
      update lanes
      set lease_token = ${claim.leaseToken}, due_at = ${secondsFromNow(claim.leaseSeconds)},
        claimed_from = coalesce(due.interrupted_from, (
          select min(d.number) from deliveries d
          where d.conversation_id = lanes.conversation_id and d.kind = lanes.kind and d.state = 'pending'
        ), 0)
      from due
      where lanes.conversation_id = due.conversation_id and lanes.kind = due.kind
      returning lanes.conversation_id as "conversationId", lanes.kind, lanes.location_id as "locationId",
        lanes.counter, due.interrupted_from as "interruptedFrom", lanes.claimed_from as "claimedFrom"`,
  );
  if (leased.length === 0) return [];

  const lanes = leased.map((lane) => ({ ...lane, leaseToken: claim.leaseToken, deliveries: [] as HeldDelivery[] }));
  const laneByKey = new Map(lanes.map((lane) => [`${lane.kind} ${lane.conversationId}`, lane]));
  for (const head of await readHeads(db, leased, claim.deliveriesPerLane)) {
    laneByKey.get(`${head.delivery.kind} ${head.delivery.conversationId}`)?.deliveries.push(head);
  }
  return lanes;
}

async function readHeads(
  db: Db,
  lanes: { conversationId: number; kind: DeliveryKind; claimedFrom: number }[],
  perLane: number,
): Promise<HeldDelivery[]> {
  const headIds = sql`(
    select head.id
    from json_to_recordset(${JSON.stringify(lanes)}::json) as held (
      "conversationId" bigint, kind text, "claimedFrom" bigint
    )
    cross join lateral (
      select d.id from deliveries d
      where d.conversation_id = held."conversationId" and d.kind = held.kind and d.state = 'pending'
        and d.number >= held."claimedFrom"
      order by d.number
      limit ${perLane}
    ) head
  )`;
  return db
    .select({
      delivery: deliveries,
      message: messages,
      conversation: conversations,
      dueInSeconds: sql<number>`coalesce(extract(epoch from ${deliveries.retryAt} - now()), 0)::float8`,
      triedForSeconds: sql<number>`coalesce(extract(epoch from now() - ${deliveries.firstAttemptedAt}), 0)::float8`,
    })
    .from(deliveries)
    .innerJoin(messages, eq(messages.id, deliveries.messageId))
    .innerJoin(conversations, eq(conversations.id, deliveries.conversationId))
    .where(inArray(deliveries.id, headIds))
    .orderBy(deliveries.conversationId, deliveries.number);
}

/**
 * What becomes of a lease: it stays as it is, goes on for so long, or the lane is given back. Then it is due at once when
 * its counter has grown meanwhile; else it is `idle` until something new comes, `due` because more is known to wait, or
 * due when its head may be tried again.
 */
export type LeaseChange = "kept" | { holdSeconds: number } | { giveBack: GiveBack };
type GiveBack = "idle" | "due" | { inSeconds: number };

/** Gives a lane back without an attempt. `true` when it is due again at once. */
export async function giveLaneBack(db: Db, lane: HeldLane, giveBack: GiveBack): Promise<boolean> {
  const { conversationId, kind, leaseToken, counter } = lane;
  const idleOrDue = giveBack === "idle" ? sql`null::timestamptz` : sql`now()`;
  const dueAt = typeof giveBack === "object" ? secondsFromNow(giveBack.inSeconds) : idleOrDue;
  const [changed] = await selectRows<{ isDue: boolean }>(
    db,
    sql`
      update lanes set lease_token = null, due_at = case when counter <> ${counter} then now() else ${dueAt} end
      where conversation_id = ${conversationId} and kind = ${kind} and lease_token = ${leaseToken}
      returning coalesce(due_at <= now(), false) as "isDue"`,
  );
  return changed?.isDue ?? false;
}

/** Has the lanes of replayed deliveries looked at again: at once, or when who holds one gives it back. */
export async function wakeLanes(tx: Db, replayed: { conversationId: number; kind: DeliveryKind }[]): Promise<void> {
  if (replayed.length === 0) return;
  const keys = replayed.map((lane) => sql`(${lane.conversationId}::bigint, ${lane.kind})`);
  await tx.execute(sql`
    with locked as (
      select conversation_id, kind from lanes
      where (conversation_id, kind) in (${sql.join(keys, sql`, `)})
      order by conversation_id, kind
      for update
    )
    update lanes
    set counter = counter + 1, due_at = case when lease_token is null then now() else due_at end
    from locked
    where lanes.conversation_id = locked.conversation_id and lanes.kind = locked.kind`);
}
