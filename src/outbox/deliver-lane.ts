import { noteInterruption } from "../store/deliveries.ts";
import { giveLaneBack } from "../store/lanes/give-lane-back.ts";
import { attemptDelivery, type DeliverContext } from "./attempt-delivery.ts";
import { type ClaimedLane, leftSeconds, whenDone } from "./claim-due-lanes.ts";
import { isOptedOut } from "./consent/is-opted-out.ts";

/**
 * Attempts the deliveries of a lane one after another, until one must wait, the lease runs short or the bridge stops,
 * and gives the lane back. A process that dies here leaves the lease to end: the next holder then looks before it posts.
 * Gives in how many seconds the lane is due again, as far as that is known.
 */
export async function deliverLane(
  context: DeliverContext,
  claimed: ClaimedLane,
  isStopping: () => boolean,
): Promise<number | undefined> {
  const { lane } = claimed;
  /** A call may have been under way when the holder before us died or overran its lease. */
  let isInterrupted = lane.interruptedFrom !== null;
  for (const held of lane.deliveries) {
    if (held.dueInSeconds > 0 && !(await isOptedOut(context, lane.locationId, held)))
      return giveLaneBack(context.db, lane, { inSeconds: held.dueInSeconds });
    if (isStopping() || leftSeconds(claimed) < context.attemptSeconds) {
      // That a call was interrupted shows in a lease that has ended: let this one end too, instead of giving it back.
      return isInterrupted ? undefined : giveLaneBack(context.db, lane, "due");
    }
    if (isInterrupted) await noteInterruption(context.db, held.delivery.id);
    const isOutcomeUnknown = held.delivery.isOutcomeUnknown || isInterrupted;
    const after = await attemptDelivery(context, claimed, held, isOutcomeUnknown);
    isInterrupted = false;
    if (after.isOver) return after.dueInSeconds;
  }
  // What came was dead from the start, or what was interrupted has been done.
  return giveLaneBack(context.db, lane, whenDone(lane));
}
