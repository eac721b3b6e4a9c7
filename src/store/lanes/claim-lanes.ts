import type { Db } from "../postgres/database.ts";
import type { HeldLane, LaneTarget, LeasedLane } from "./held-lane.ts";
import { leaseLanes } from "./lease-lanes.ts";
import { type HeldDelivery, readHeads } from "./read-heads.ts";

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

interface Claim {
  places: Places;
  deliveriesPerLane: number;
  leaseSeconds: number;
  leaseToken: string;
}

/**
 * Leases due lanes and reads the heads of their lines. Two statements, and they must be two: PostgreSQL rechecks a
 * locked lane at its newest version, but would still read its deliveries from the statement's older snapshot, and
 * so deliver twice. Lanes that call HighLevel stay where they are while their location is paused; those that call
 * providers and endpoints go on. While sends are held, nothing is taken that goes out to people, and nothing at all of a
 * mapping that is paused.
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
  return readLanes(db, leased, { leaseToken, deliveriesPerLane });
}

/** The heads of lanes that were leased by a statement before: by the claim, or by whoever enqueued for the one who offered. */
export async function readLanes(
  db: Db,
  leased: (LeasedLane & Partial<Pick<HeldLane, "interruptedFrom">>)[],
  { leaseToken, deliveriesPerLane }: Pick<Claim, "leaseToken" | "deliveriesPerLane">,
): Promise<HeldLane[]> {
  if (leased.length === 0) return [];
  const lanes = leased.map((lane) => ({
    interruptedFrom: null,
    ...lane,
    leaseToken,
    deliveries: [] as HeldDelivery[],
  }));
  const laneByKey = new Map(lanes.map((lane) => [`${lane.kind} ${lane.conversationId}`, lane]));
  for (const head of await readHeads(db, leased, deliveriesPerLane)) {
    laneByKey.get(`${head.delivery.kind} ${head.delivery.conversationId}`)?.deliveries.push(head);
  }
  return lanes;
}
