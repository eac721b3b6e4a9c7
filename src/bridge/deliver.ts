import { randomUUID } from "node:crypto";
import { Failure } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import { type AttemptRecord, type NextStep, recordAttempt } from "../store/deliveries.ts";
import { claimLanes, giveLaneBack, type HeldDelivery, type HeldLane, type LeaseChange } from "../store/lanes.ts";
import { pauseLocation } from "../store/locations.ts";
import type { AccessToken, AccessTokens } from "./access-tokens.ts";
import { type Posted, type PostInboundContext, postInbound } from "./post-inbound.ts";
import { decideRetry, mayHaveHappened, type RetryOptions } from "./retry.ts";

export interface DeliverContext extends PostInboundContext {
  log: Log;
  accessTokens: AccessTokens;
  /** The longest that one attempt may take, all its calls together. */
  attemptSeconds: number;
  retry: RetryOptions;
}

const deliveriesPerLane = 10;
/** What a lease is longer than the longest attempt, for recording it. */
const leaseMarginSeconds = 5;

/** A claimed lane with this process's view of how long it holds it: by the clock that goes on while a process stands still. */
export interface ClaimedLane {
  lane: HeldLane;
  leaseSeconds: number;
  heldUntilMs: number;
}

export async function claimDueLanes(
  context: Pick<DeliverContext, "db" | "attemptSeconds">,
  most: number,
): Promise<ClaimedLane[]> {
  const leaseSeconds = context.attemptSeconds + leaseMarginSeconds;
  const heldUntilMs = performance.now() + leaseSeconds * 1000;
  const claim = { lanes: most, deliveriesPerLane, leaseSeconds, leaseToken: randomUUID() };
  const lanes = await claimLanes(context.db, claim);
  return lanes.map((lane) => ({ lane, leaseSeconds, heldUntilMs }));
}

/**
 * Attempts the deliveries of a lane one after another, until one must wait, the lease runs short or the bridge stops,
 * and gives the lane back. A process that dies here leaves the lease to end: the next holder then looks before it posts.
 * Gives whether the lane is due again at once.
 */
export async function deliverLane(
  context: DeliverContext,
  claimed: ClaimedLane,
  isStopping: () => boolean,
): Promise<boolean> {
  const { lane } = claimed;
  for (const [index, held] of lane.deliveries.entries()) {
    if (held.dueInSeconds > 0) return giveLaneBack(context.db, lane, { inSeconds: held.dueInSeconds });
    const isInterrupted = index === 0 && lane.wasInterrupted;
    if (isStopping() || leftSeconds(claimed) < context.attemptSeconds) {
      // That a call was interrupted shows in a lease that has ended: let this one end too, instead of giving it back.
      return isInterrupted ? false : giveLaneBack(context.db, lane, "due");
    }
    const lookFirst = held.delivery.mayHaveHappened || isInterrupted;
    const after = await attemptDelivery(context, claimed, held, lookFirst);
    if (after.isOver) return after.isDue;
  }
  // Nothing was pending: what came was dead from the start.
  return giveLaneBack(context.db, lane, "idle");
}

/** The lease goes on while there is more to attempt; with the last one, or one that must wait, the lane is given back. */
function leaseAfter({ lane, leaseSeconds }: ClaimedLane, held: HeldDelivery, next: NextStep): LeaseChange {
  if (next.state === "pending") return { giveBack: { inSeconds: next.retryInSeconds } };
  if (held !== lane.deliveries.at(-1)) return { holdSeconds: leaseSeconds };
  return { giveBack: lane.deliveries.length === deliveriesPerLane ? "due" : "idle" };
}

const leftSeconds = (claimed: ClaimedLane) => (claimed.heldUntilMs - performance.now()) / 1000;

async function attemptDelivery(
  context: DeliverContext,
  claimed: ClaimedLane,
  held: HeldDelivery,
  lookFirst: boolean,
): Promise<{ isOver: boolean; isDue: boolean }> {
  const { lane } = claimed;
  const startedAt = new Date();
  const started = performance.now();
  const tried = await tryToDeliver(context, claimed, held, lookFirst);
  if (tried === "lease lost") return { isOver: true, isDue: false };

  const durationMs = Math.round(performance.now() - started);
  const failure = "failure" in tried ? tried.failure : undefined;
  const outcome: AttemptRecord["outcome"] = failure?.reason ?? "delivered";
  const status = "posted" in tried ? tried.posted.status : tried.failure.status;
  const detail = "posted" in tried ? tried.posted.detail : tried.failure.message;
  const next = "posted" in tried ? deliveredStep(held, tried.posted) : await followUp(context, lane, held, tried);

  const lease = leaseAfter(claimed, held, next);
  claimed.heldUntilMs = performance.now() + claimed.leaseSeconds * 1000;
  const attempt = { startedAt, durationMs, outcome, status, detail };
  const { isHeld, isDue } = await recordAttempt(context.db, lane, {
    deliveryId: held.delivery.id,
    attempt,
    next,
    lease,
  });
  context.log(next.state === "dead" ? "error" : "info", "delivery.attempted", {
    deliveryId: held.delivery.id,
    messageId: held.message.id,
    mappingId: held.message.mappingId,
    locationId: lane.locationId,
    kind: lane.kind,
    outcome,
    status,
    durationMs,
    state: next.state,
    ...(next.state === "pending" ? { retryInSeconds: Math.round(next.retryInSeconds) } : {}),
  });
  return { isOver: !isHeld || "giveBack" in lease, isDue };
}

type Tried =
  | { posted: Posted }
  | {
      failure: Failure;
      /** The message may be in HighLevel although this attempt failed. */
      isOpen: boolean;
      used: AccessToken | undefined;
    };

class LeaseLost extends Error {}

async function tryToDeliver(
  context: DeliverContext,
  claimed: ClaimedLane,
  held: HeldDelivery,
  lookFirst: boolean,
): Promise<Tried | "lease lost"> {
  const { locationId } = claimed.lane;
  let isPosting = false;
  let used: AccessToken | undefined;
  const beforePost = () => {
    if (leftSeconds(claimed) < 0) throw new LeaseLost();
    isPosting = true;
  };
  try {
    const mapping = await context.mappings.get(held.conversation.mappingId);
    if (!mapping) throw new Failure("internal_error", "the delivery's mapping is gone");
    used = await context.accessTokens.get(locationId);
    if (!used) throw new Failure("unauthorized", "the location has no token: PUT /admin/locations/{locationId}");
    const signal = AbortSignal.timeout(context.attemptSeconds * 1000);
    const access = { locationId, token: used.token, signal };
    const { conversation, message } = held;
    const posted = await postInbound(context, { mapping, conversation, message, access, lookFirst, beforePost });
    for (const each of claimed.lane.deliveries) each.conversation = posted.conversation;
    return { posted };
  } catch (error) {
    if (error instanceof LeaseLost) return "lease lost";
    const failure = asFailure(context.log, error);
    return { failure, isOpen: isPosting ? mayHaveHappened(failure.reason) : lookFirst, used };
  }
}

function asFailure(log: Log, error: unknown): Failure {
  if (error instanceof Failure) return error;
  log("error", "delivery.broke", describeError(error));
  return new Failure("internal_error", "the bridge itself failed; its log has a line delivery.broke", { cause: error });
}

function deliveredStep(held: HeldDelivery, posted: Posted): NextStep {
  return {
    state: "delivered",
    messageId: held.message.id,
    highlevelMessageId: posted.answer.messageId,
    highlevelEmailMessageId: posted.answer.emailMessageId,
  };
}

/** What follows from a failure: a pause of the location is carried out here, the rest is recorded with the attempt. */
async function followUp(
  context: DeliverContext,
  lane: HeldLane,
  held: HeldDelivery,
  failed: Extract<Tried, { failure: Failure }>,
): Promise<NextStep> {
  const { reason, retryAfterSeconds, message: detail } = failed.failure;
  const decision = decideRetry(
    { reason, retryAfterSeconds, attempts: held.delivery.attempts + 1, triedForSeconds: held.triedForSeconds },
    context.retry,
  );
  const { isOpen } = failed;
  if (decision.follows === "dead") return { state: "dead", mayHaveHappened: isOpen };
  if (decision.follows === "retry") {
    return { state: "pending", retryInSeconds: decision.inSeconds, counts: true, mayHaveHappened: isOpen };
  }
  if (failed.used) {
    const pause = { locationId: lane.locationId, tokenVersion: failed.used.version, reason, detail };
    context.accessTokens.forget(lane.locationId);
    const { seconds } = decision;
    const isPaused = await pauseLocation(context.db, { ...pause, ...(seconds === undefined ? {} : { seconds }) });
    const level = seconds === undefined ? "error" : "warn";
    if (isPaused) context.log(level, "location.paused", { locationId: lane.locationId, reason, seconds });
  }
  return { state: "pending", retryInSeconds: 0, counts: false, mayHaveHappened: isOpen };
}
