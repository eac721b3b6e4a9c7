import { randomUUID } from "node:crypto";
import type { NextStep } from "../store/attempt-record.ts";
import type { Enqueued, Offer } from "../store/deliveries.ts";
import { claimLanes, type Places, readLanes } from "../store/lanes/claim-lanes.ts";
import type { LeaseChange } from "../store/lanes/give-lane-back.ts";
import type { HeldLane } from "../store/lanes/held-lane.ts";
import type { HeldDelivery } from "../store/lanes/read-heads.ts";
import type { Db } from "../store/postgres/database.ts";

export interface ClaimContext {
  db: Db;
  /** The longest that one attempt may take, all its calls together. */
  attemptSeconds: number;
}

const deliveriesPerLane = 10;
/** How much longer a lease is than the longest attempt: time to record it. */
const leaseMarginSeconds = 5;

/** A claimed lane with this process's view of how long it holds it: by the clock that goes on while a process stands still. */
export interface ClaimedLane {
  lane: HeldLane;
  leaseSeconds: number;
  heldUntilMs: number;
}

export async function claimDueLanes({ db, attemptSeconds }: ClaimContext, places: Places): Promise<ClaimedLane[]> {
  const leaseSeconds = attemptSeconds + leaseMarginSeconds;
  const heldUntilMs = performance.now() + leaseSeconds * 1000;
  const claim = { places, deliveriesPerLane, leaseSeconds, leaseToken: randomUUID() };
  const lanes = await claimLanes(db, claim);
  return lanes.map((lane) => ({ lane, leaseSeconds, heldUntilMs }));
}

/** Asks for idle lanes to be leased as they become due, instead of claimed later. */
export function offerPlaces({ attemptSeconds }: Pick<ClaimContext, "attemptSeconds">, places: number): Offer {
  return { places, leaseToken: randomUUID(), leaseSeconds: attemptSeconds + leaseMarginSeconds };
}

/** Reads what was leased for an offer, once that is committed. `leasedAtMs`: before the statement that leased it. */
export async function takeLeased(
  { db }: Pick<ClaimContext, "db">,
  { leaseToken, leaseSeconds }: Offer,
  { leased, leasedAtMs }: Pick<Enqueued, "leased"> & { leasedAtMs: number },
): Promise<ClaimedLane[]> {
  const lanes = await readLanes(db, leased, { leaseToken, deliveriesPerLane });
  return lanes.map((lane) => ({ lane, leaseSeconds, heldUntilMs: leasedAtMs + leaseSeconds * 1000 }));
}

export const leftSeconds = (claimed: ClaimedLane) => (claimed.heldUntilMs - performance.now()) / 1000;

/** Before what was interrupted something may have been replayed. */
export const whenDone = (lane: HeldLane) => (lane.interruptedFrom === null ? "idle" : "due");

/**
 * The lease goes on while there is more to attempt, and is prolonged when it runs short; with the last delivery, or one
 * that must wait, the lane is given back.
 */
export function leaseAfter(
  claimed: ClaimedLane,
  held: HeldDelivery,
  next: NextStep,
  attemptSeconds: number,
): LeaseChange {
  const { lane, leaseSeconds } = claimed;
  if (next.state === "pending") return { giveBack: { inSeconds: next.retryInSeconds } };
  if (held === lane.deliveries.at(-1)) {
    return { giveBack: lane.deliveries.length === deliveriesPerLane ? "due" : whenDone(lane) };
  }
  const isLongEnough = leftSeconds(claimed) > attemptSeconds + 1;
  return next.state === "delivered" && isLongEnough ? "kept" : { holdSeconds: leaseSeconds };
}
