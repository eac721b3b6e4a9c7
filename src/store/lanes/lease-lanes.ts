import { type SQL, sql } from "drizzle-orm";
import { secondsFromNow } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import { isLetOut, isMappingPaused } from "../trouble/holds.ts";
import { isLocationReady } from "../trouble/paused-locations.ts";
import { type HeldLane, isPast, isTo, type LaneTarget, type LeasedLane } from "./held-lane.ts";

/**
 * The due lanes that call HighLevel, or a provider: of the mappings whose first one is due longest, before those of
 * locations that hold their share already, one of each location before the second of any; and of each no more than the
 * claim could take when they share it. The mappings are found by going from one to the next in the index of what is due, so
 * that those with nothing to do cost nothing. Nothing is locked here: what another worker takes meanwhile is
 * passed over when it is. What was before the bridge stands behind all else of its location.
 */
function dueLanes(target: LaneTarget, places: PlaceValues): SQL {
  const { max, share } = places;
  const held = sql`coalesce((${places.held[target]} ->> locations.id)::int, 0)`;
  const heldByMapping = sql`coalesce((${places.heldByMapping} ->> concat_ws(' ', first.location_id, first.mapping_id))::int, 0)`;
  const isOfTarget = sql`lanes.due_at is not null and ${isTo[target](sql`lanes.kind`)} and ${isLetOut(sql`lanes.kind`)}`;
  const past = isPast(sql`kind`);
  const isReady = target === "highlevel" ? isLocationReady : sql`true`;
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
        where first.due_at <= now() and ${isReady} and not ${isMappingPaused(sql`first.mapping_id`)} and (${max} > ${places.reserved} or ${held} < ${share})
          and ${heldByMapping} < ${places.maxOfMapping}
      ) mappings
      order by held >= ${share}, nth, due_at
      limit ${max}
    ), ${due} as (
      select conversation_id, kind, location_id, mapping_id, due_at, held_by_mapping,
        held + row_number() over (partition by location_id order by ${past}, mapping_turn, due_at) as turn
      from (
        select picked.*, held, held_by_mapping,
          held_by_mapping + row_number() over (partition by mappings.id, picked.mapping_id order by ${past}, picked.due_at) as mapping_turn
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

/** Leases due lanes: the first statement of a claim, whose promises `claimLanes` tells. */
export const leaseLanes = prepare<
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
  LeasedLane & Pick<HeldLane, "interruptedFrom">
>("lease-lanes", (value) => {
  const max = sql`${value("max")}::int`;
  const reserved = sql`${value("reserved")}::int`;
  const share = sql`(${reserved} + 1) / 2`;
  const held = { highlevel: sql`${value("heldHighlevel")}::jsonb`, provider: sql`${value("heldProvider")}::jsonb` };
  const heldByMapping = sql`${value("heldByMapping")}::jsonb`;
  const maxOfMapping = sql`${value("maxOfMapping")}::int`;
  const places = { max, reserved, share, held, heldByMapping, maxOfMapping };
  return sql`
    with recursive ${dueLanes("highlevel", places)}, ${dueLanes("provider", places)}, candidates as (
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
