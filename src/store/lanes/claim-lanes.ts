import { type SQL, sql } from "drizzle-orm";
import type { DeliveryKind } from "../../model.ts";
import { columnsOf } from "../postgres/columns.ts";
import { type Db, secondsFromNow } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import { type Conversation, conversations, type Delivery, deliveries, type Message, messages } from "../schema.ts";

/** A lane that this worker holds until its lease ends, with the oldest of its pending deliveries. */
export interface HeldLane {
  conversationId: number;
  kind: DeliveryKind;
  locationId: string;
  mappingId: string;
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
  delivery: Pick<Delivery, (typeof headKeys)[number]>;
  message: Message;
  conversation: Conversation;
  /** How long its next attempt must wait; nothing behind it may pass. Not above 0 when it is due. */
  dueInSeconds: number;
  /** Since its first attempt that counted, by PostgreSQL's clock. */
  triedForSeconds: number;
}

/** A process's places for lanes, when it claims. */
export interface Places {
  free: number;
  /** How many of the free ones are kept for locations that hold few. */
  reserved: number;
  /** How many each location holds, by what its lanes call. */
  held: Record<LaneTarget, Record<string, number>>;
  /** How many each mapping holds, by its location's id and its own. */
  heldByMapping: Record<string, number>;
  /** How many one mapping may hold. */
  maxOfMapping: number;
}

export type LaneTarget = "highlevel" | "provider";

export const targetOf = (kind: DeliveryKind): LaneTarget => (kind === "send-outbound" ? "provider" : "highlevel");

interface Claim {
  places: Places;
  deliveriesPerLane: number;
  leaseSeconds: number;
  leaseToken: string;
}

/**
 * Leases due lanes and reads the heads of their lines. Two statements, and they must be two: PostgreSQL rechecks a
 * locked lane at its newest version, but would still read its deliveries from the statement's older snapshot, and
 * so deliver twice. Lanes that call HighLevel stay where they are while their location is paused; those that send
 * through a provider go on.
 *
 * Locations take turns, counted from what each holds already, so that a busy one does not keep the others waiting. The
 * reserved places go to locations alone that hold less than half as many, towards HighLevel or towards providers: one
 * whose provider answers slowly leaves them to the others. So do the mappings of a location among each other, and none
 * holds more than one mapping may. Where many are due it may take fewer lanes than it could.
 */
export async function claimLanes(db: Db, claim: Claim): Promise<HeldLane[]> {
  const { places, leaseToken, leaseSeconds, deliveriesPerLane } = claim;
  const leased = await leaseLanes(db, {
    ...{ max: places.free, reserved: places.reserved, leaseToken, leaseSeconds },
    heldHighlevel: JSON.stringify(places.held.highlevel),
    heldProvider: JSON.stringify(places.held.provider),
    heldByMapping: JSON.stringify(places.heldByMapping),
    maxOfMapping: places.maxOfMapping,
  });
  if (leased.length === 0) return [];

  const lanes = leased.map((lane) => ({ ...lane, leaseToken, deliveries: [] as HeldDelivery[] }));
  const laneByKey = new Map(lanes.map((lane) => [`${lane.kind} ${lane.conversationId}`, lane]));
  for (const row of await readHeads(db, { lanes: JSON.stringify(leased), perLane: deliveriesPerLane })) {
    const head = readHead(row);
    laneByKey.get(`${head.delivery.kind} ${head.delivery.conversationId}`)?.deliveries.push(head);
  }
  return lanes;
}

/**
 * The due lanes that call HighLevel, or a provider: of the mappings whose first one is due longest, before those of
 * locations that hold their share already, one of each location before the second of any; and of each no more than the
 * claim could take when they share it. The mappings are found by going from one to the next in the index of what is due, so
 * that those with nothing to do cost nothing. Nothing is locked here: what another worker takes meanwhile is
 * passed over when it is.
 */
function dueLanes(target: LaneTarget, isSending: SQL, places: PlaceValues): SQL {
  const { max, share } = places;
  const held = sql`coalesce((${places.held[target]} ->> locations.id)::int, 0)`;
  const heldByMapping = sql`coalesce((${places.heldByMapping} ->> concat_ws(' ', first.location_id, first.mapping_id))::int, 0)`;
  const isOfTarget = sql`lanes.due_at is not null and lanes.kind ${isSending} 'send-outbound'`;
  const isReady =
    target === "highlevel"
      ? sql`(sealed_token is not null or company_id is not null) and (paused_reason is null or paused_until <= now())`
      : sql`true`;
  const [first, ready, due] = ["first", "ready", "due"].map((name) => sql.raw(`${name}_${target}`)) as [SQL, SQL, SQL];
  return sql`
    ${first} as (
      (
        select location_id, mapping_id, due_at from lanes where ${isOfTarget}
        order by location_id, mapping_id, due_at limit 1
      )
      union all
      select next.* from ${first} last cross join lateral (
        select location_id, mapping_id, due_at from lanes
        where ${isOfTarget} and (location_id, mapping_id) > (last.location_id, last.mapping_id)
        order by location_id, mapping_id, due_at limit 1
      ) next
    ), ${ready} as materialized (
      select * from (
        select locations.id, mapping_id, due_at, ${held} as held, ${heldByMapping} as held_by_mapping,
          row_number() over (partition by locations.id order by ${heldByMapping}, due_at) as nth
        from ${first} first join locations on locations.id = first.location_id
        where first.due_at <= now() and ${isReady} and (${max} > ${places.reserved} or ${held} < ${share})
          and ${heldByMapping} < ${places.maxOfMapping}
      ) mappings
      order by held >= ${share}, nth, due_at
      limit ${max}
    ), ${due} as (
      select conversation_id, kind, location_id, mapping_id, due_at, held_by_mapping,
        held + row_number() over (partition by location_id order by mapping_turn, due_at) as turn
      from (
        select picked.*, held, held_by_mapping,
          held_by_mapping + row_number() over (partition by mappings.id, picked.mapping_id order by picked.due_at) as mapping_turn
        from ${ready} mappings
        cross join lateral (
          select conversation_id, kind, location_id, mapping_id, due_at from lanes
          where lanes.location_id = mappings.id and lanes.mapping_id = mappings.mapping_id
            and due_at <= now() and ${isOfTarget}
          order by due_at
          limit (select greatest((${max} + 7) / 8, 4 * ${max} / greatest(count(*), 1)::int) from ${ready})
        ) picked
      ) turns
    )`;
}

interface PlaceValues {
  max: SQL;
  reserved: SQL;
  /** How many of the reserved places one location may hold. */
  share: SQL;
  held: Record<LaneTarget, SQL>;
  heldByMapping: SQL;
  maxOfMapping: SQL;
}

const leaseLanes = prepare<
  {
    max: number;
    reserved: number;
    leaseToken: string;
    leaseSeconds: number;
    heldHighlevel: string;
    heldProvider: string;
    heldByMapping: string;
    maxOfMapping: number;
  },
  Omit<HeldLane, "deliveries" | "leaseToken"> & { claimedFrom: number }
>("lease-lanes", (value) => {
  const max = sql`${value("max")}::int`;
  const reserved = sql`${value("reserved")}::int`;
  const share = sql`(${reserved} + 1) / 2`;
  const held = { highlevel: sql`${value("heldHighlevel")}::jsonb`, provider: sql`${value("heldProvider")}::jsonb` };
  const heldByMapping = sql`${value("heldByMapping")}::jsonb`;
  const maxOfMapping = sql`${value("maxOfMapping")}::int`;
  const places = { max, reserved, share, held, heldByMapping, maxOfMapping };
  return sql`
    with recursive ${dueLanes("highlevel", sql`<>`, places)}, ${dueLanes("provider", sql`=`, places)}, candidates as (
      select conversation_id, kind, due_at, turn
      from (
        select *, held_by_mapping + row_number() over (partition by location_id, mapping_id order by turn, due_at) as place
        from (select * from due_highlevel union all select * from due_provider) due
      ) due
      where (${max} > ${reserved} or turn <= ${share}) and place <= ${maxOfMapping}
      order by turn, due_at
      limit 3 * ${max}
    ), locked as (
      select lanes.conversation_id, lanes.kind, candidates.turn, candidates.due_at,
        case when lanes.lease_token is not null then lanes.claimed_from end as interrupted_from
      from candidates join lanes using (conversation_id, kind)
      where lanes.due_at <= now()
      order by candidates.turn, candidates.due_at
      limit ${max}
      for update of lanes skip locked
    ), numbered as (
      select *, row_number() over (order by turn, due_at) as position from locked
    ), picked as (
      select conversation_id, kind, interrupted_from from numbered
      where position <= ${max} - ${reserved} or turn <= ${share}
    )
    update lanes
    set lease_token = ${value("leaseToken")}, due_at = ${secondsFromNow(value("leaseSeconds"))},
      claimed_from = coalesce(picked.interrupted_from, (
        select min(d.number) from deliveries d
        where d.conversation_id = lanes.conversation_id and d.kind = lanes.kind and d.state = 'pending'
      ), 0)
    from picked
    where lanes.conversation_id = picked.conversation_id and lanes.kind = picked.kind
    returning lanes.conversation_id as "conversationId", lanes.kind, lanes.location_id as "locationId",
      lanes.mapping_id as "mappingId", lanes.counter, picked.interrupted_from as "interruptedFrom", lanes.claimed_from as "claimedFrom"`;
});

const headKeys = ["id", "kind", "conversationId", "number", "attempts", "isOutcomeUnknown"] as const;
const deliveryColumns = columnsOf<HeldDelivery["delivery"]>(deliveries, headKeys);
const messageColumns = columnsOf<Message>(messages);
const conversationColumns = columnsOf<Conversation>(conversations);

const readHeads = prepare<{ lanes: string; perLane: number }, Record<string, unknown>>(
  "read-heads",
  (value) => sql`
    select ${deliveryColumns.list}, ${messageColumns.list}, ${conversationColumns.list},
      coalesce(extract(epoch from deliveries.retry_at - now()), 0)::float8 as due_in_seconds,
      coalesce(extract(epoch from now() - deliveries.first_attempted_at), 0)::float8 as tried_for_seconds
    from json_to_recordset(${value("lanes")}::json) as held ("conversationId" bigint, kind text, "claimedFrom" bigint)
    cross join lateral (
      select d.id from deliveries d
      where d.conversation_id = held."conversationId" and d.kind = held.kind and d.state = 'pending'
        and d.number >= held."claimedFrom"
      order by d.number
      limit ${value("perLane")}
    ) head
    join deliveries on deliveries.id = head.id
    join messages on messages.id = deliveries.message_id
    join conversations on conversations.id = deliveries.conversation_id
    order by deliveries.conversation_id, deliveries.number`,
);

const readHead = (row: Record<string, unknown>): HeldDelivery => ({
  delivery: deliveryColumns.read(row),
  message: messageColumns.read(row),
  conversation: conversationColumns.read(row),
  dueInSeconds: row["due_in_seconds"] as number,
  triedForSeconds: row["tried_for_seconds"] as number,
});

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
  const dueIn = typeof giveBack === "object" ? giveBack.inSeconds : { idle: null, due: 0 }[giveBack];
  const [changed] = await endLease(db, { conversationId, kind, leaseToken, counter, dueIn });
  return changed?.isDue ?? false;
}

const endLease = prepare<
  Pick<HeldLane, "conversationId" | "kind" | "leaseToken" | "counter"> & { dueIn: number | null },
  { isDue: boolean }
>(
  "end-lease",
  (value) => sql`
    update lanes
    set lease_token = null,
      due_at = case when counter <> ${value("counter")} then now() else ${secondsFromNow(value("dueIn"))} end
    where conversation_id = ${value("conversationId")} and kind = ${value("kind")}
      and lease_token = ${value("leaseToken")}
    returning coalesce(due_at <= now(), false) as "isDue"`,
);

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
      order by lanes.conversation_id, lanes.kind
      for update of lanes
    )
    update lanes
    set counter = counter + 1, due_at = case when lease_token is null then now() else due_at end
    from locked
    where lanes.conversation_id = locked.conversation_id and lanes.kind = locked.kind`);
}
