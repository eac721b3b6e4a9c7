import { randomUUID } from "node:crypto";
import type { Failure } from "../errors.ts";
import { reportInSeconds } from "../messages/message-state.ts";
import {
  type AttemptRecord,
  type NextStep,
  type Recorded,
  type Recorder,
  type RecordResult,
  recordAttempts,
} from "../store/attempts.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import { claimLanes, giveLaneBack, type HeldDelivery, type HeldLane, type LeaseChange } from "../store/lanes.ts";
import { pauseLocation } from "../store/locations.ts";
import { repeatOnConflict } from "../store/postgres/database.ts";
import { LeaseLost } from "./attempt.ts";
import { type AttemptContext, attemptOnce, type Tried } from "./attempt-once.ts";
import { kinds } from "./delivery-kinds.ts";
import { decideRetry, type RetryOptions } from "./retry.ts";

export interface DeliverContext extends AttemptContext {
  retry: RetryOptions;
  record: Recorder;
  /** When HighLevel's status calls begin to know a message that it had us send. */
  visibleAfterSeconds: number;
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
  maxLanes: number,
): Promise<ClaimedLane[]> {
  const leaseSeconds = context.attemptSeconds + leaseMarginSeconds;
  const heldUntilMs = performance.now() + leaseSeconds * 1000;
  const claim = { lanes: maxLanes, deliveriesPerLane, leaseSeconds, leaseToken: randomUUID() };
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
  let hasLooked = lane.interruptedFrom === null;
  for (const held of lane.deliveries) {
    if (held.dueInSeconds > 0) return giveLaneBack(context.db, lane, { inSeconds: held.dueInSeconds });
    if (isStopping() || leftSeconds(claimed) < context.attemptSeconds) {
      // That a call was interrupted shows in a lease that has ended: let this one end too, instead of giving it back.
      return hasLooked && giveLaneBack(context.db, lane, "due");
    }
    const after = await attemptDelivery(context, claimed, held, held.delivery.isOutcomeUnknown || !hasLooked);
    hasLooked = true;
    if (after.isOver) return after.isDue;
  }
  // What came was dead from the start, or what was interrupted has been done.
  return giveLaneBack(context.db, lane, whenDone(lane));
}

/** Before what was interrupted something may have been replayed. */
const whenDone = (lane: HeldLane) => (lane.interruptedFrom === null ? "idle" : "due");

/**
 * The lease goes on while there is more to attempt, and is prolonged when it runs short; with the last delivery, or one
 * that must wait, the lane is given back.
 */
function leaseAfter(claimed: ClaimedLane, held: HeldDelivery, next: NextStep, attemptSeconds: number): LeaseChange {
  const { lane, leaseSeconds } = claimed;
  if (next.state === "pending") return { giveBack: { inSeconds: next.retryInSeconds } };
  if (held === lane.deliveries.at(-1)) {
    return { giveBack: lane.deliveries.length === deliveriesPerLane ? "due" : whenDone(lane) };
  }
  const isLongEnough = leftSeconds(claimed) > attemptSeconds + 1;
  return next.state === "delivered" && isLongEnough ? "kept" : { holdSeconds: leaseSeconds };
}

const leftSeconds = (claimed: ClaimedLane) => (claimed.heldUntilMs - performance.now()) / 1000;

async function attemptDelivery(
  context: DeliverContext,
  claimed: ClaimedLane,
  held: HeldDelivery,
  isOutcomeUnknown: boolean,
): Promise<{ isOver: boolean; isDue: boolean }> {
  const { lane } = claimed;
  const startedAt = new Date();
  const started = performance.now();
  const tried = await tryToDeliver(context, claimed, held, isOutcomeUnknown);
  if (tried === "lease lost") return { isOver: true, isDue: false };

  const durationMs = Math.round(performance.now() - started);
  const attempt = { startedAt, durationMs, ...describeTry(tried) };
  const next = await nextStep(context, lane, held, tried);
  if (isUncalled(tried)) return { isOver: true, isDue: await giveLaneBack(context.db, lane, "due") };
  const lease = leaseAfter(claimed, held, next, context.attemptSeconds);
  if (lease !== "kept") claimed.heldUntilMs = performance.now() + claimed.leaseSeconds * 1000;
  const record = { lane, deliveryId: held.delivery.id, messageId: held.message.id, attempt, next, lease };
  const isToReport = "done" in tried ? tried.done.isToReport : next.state === "dead" && kinds[lane.kind].failsMessage;
  const { isHeld, isDue } = isToReport ? await recordAndReport(context, held, record) : await context.record(record);
  const { outcome, status } = attempt;
  context.log(next.state === "dead" ? "error" : "info", "delivery.attempted", {
    deliveryId: held.delivery.id,
    messageId: held.message.id,
    webhookId: held.message.webhookId,
    mappingId: held.message.mappingId,
    locationId: lane.locationId,
    kind: lane.kind,
    outcome,
    status,
    durationMs,
    state: next.state,
    ...(next.state === "pending" ? { retryInSeconds: Math.round(next.retryInSeconds) } : {}),
  });
  const isGivenBack = lease !== "kept" && "giveBack" in lease;
  return { isOver: !isHeld || isGivenBack, isDue };
}

/** Our own count of HighLevel's limit was used up: nobody was called, and the location waits. That is no attempt. */
function isUncalled(tried: Tried): boolean {
  if (!("failure" in tried) || tried.isOutcomeUnknown) return false;
  const { reason, status } = tried.failure;
  return reason === "throttled" && status === undefined;
}

/** What HighLevel had us send, it is told the fate of: both are kept, or neither. */
async function recordAndReport(
  { db, visibleAfterSeconds }: DeliverContext,
  { message }: HeldDelivery,
  record: Recorded & { lane: HeldLane },
): Promise<RecordResult> {
  const { conversationId, locationId } = record.lane;
  const inSeconds = reportInSeconds(visibleAfterSeconds, message);
  const report = { kind: "report-status" as const, conversationId, locationId, messageId: message.id, inSeconds };
  return repeatOnConflict(() =>
    db.transaction(async (tx) => {
      const [recorded] = await recordAttempts(tx, [record]);
      if (message.origin === "highlevel") await enqueueDeliveries(tx, [report]);
      return recorded as RecordResult;
    }),
  );
}

async function tryToDeliver(
  context: DeliverContext,
  claimed: ClaimedLane,
  held: HeldDelivery,
  isOutcomeUnknown: boolean,
): Promise<Tried | "lease lost"> {
  const { locationId, kind } = claimed.lane;
  const { message, conversation } = held;
  const requireLease = () => {
    if (leftSeconds(claimed) < 0) throw new LeaseLost();
  };
  try {
    const what = { kind, locationId, message, conversation, isOutcomeUnknown };
    const attempt = () => attemptOnce(context, what, requireLease);
    const tried = await (context.traceAttempt?.({ ...held, kind, locationId }, attempt) ?? attempt());
    const known = "done" in tried ? tried.done.conversation : undefined;
    if (known) for (const each of claimed.lane.deliveries) each.conversation = known;
    return tried;
  } catch (error) {
    if (error instanceof LeaseLost) return "lease lost";
    throw error;
  }
}

function describeTry(tried: Tried): Pick<AttemptRecord, "outcome" | "status" | "detail"> {
  if ("done" in tried) return { outcome: "delivered", status: tried.done.status, detail: tried.done.detail };
  const { reason, status, message } = tried.failure;
  return { outcome: reason, status, detail: message };
}

/** What follows from a try: a pause of the location is carried out here, the rest is recorded with the attempt. */
async function nextStep(context: DeliverContext, lane: HeldLane, held: HeldDelivery, tried: Tried): Promise<NextStep> {
  if ("done" in tried) return { state: "delivered", message: tried.done.change };
  const { failure, isOutcomeUnknown, used } = tried;
  const { reason, retryAfterSeconds, message: detail } = failure;
  const { target, failsMessage } = kinds[lane.kind];
  const attempts = held.delivery.attempts + 1;
  const { triedForSeconds } = held;
  const decision = decideRetry({ target, reason, retryAfterSeconds, attempts, triedForSeconds }, context.retry);
  if (decision.follows === "dead") {
    const error = { code: failure.code ?? reason, message: detail };
    const message = failsMessage ? { ifQueued: { state: "failed" as const, error } } : undefined;
    return { state: "dead", isOutcomeUnknown, message };
  }
  if (decision.follows === "retry") {
    return { state: "pending", retryInSeconds: decision.inSeconds, counts: true, isOutcomeUnknown };
  }
  if (used) await pause(context, lane, { tokenVersion: used.version, reason, detail, seconds: decision.seconds });
  return { state: "pending", retryInSeconds: 0, counts: false, isOutcomeUnknown };
}

async function pause(
  { db, log, accessTokens }: DeliverContext,
  { locationId }: HeldLane,
  trouble: { tokenVersion: number; reason: Failure["reason"]; detail: string; seconds: number | undefined },
): Promise<void> {
  const { seconds, ...rest } = trouble;
  accessTokens.forget(locationId);
  const isPaused = await pauseLocation(db, { locationId, ...rest, ...(seconds === undefined ? {} : { seconds }) });
  const level = seconds === undefined ? "error" : "warn";
  if (isPaused) log(level, "location.paused", { locationId, reason: trouble.reason, seconds });
}
