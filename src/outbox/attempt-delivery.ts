import { type Failure, isWindowReason, type WindowReason } from "../errors.ts";
import { reportInSeconds } from "../messages/message-state.ts";
import { adapterOf } from "../providers/registry.ts";
import type { AttemptRecord, NextStep, RecordResult } from "../store/attempt-record.ts";
import { type Recorder, recordAttempts } from "../store/attempts.ts";
import { enqueueDeliveries, type NewDelivery } from "../store/deliveries.ts";
import { giveLaneBack } from "../store/lanes/give-lane-back.ts";
import type { HeldLane } from "../store/lanes/held-lane.ts";
import type { HeldDelivery } from "../store/lanes/read-heads.ts";
import { pauseLocation } from "../store/locations.ts";
import type { Db } from "../store/postgres/database.ts";
import { repeatOnConflict } from "../store/postgres/database-errors.ts";
import { replayEarlyReceipts } from "../store/webhooks.ts";
import { holdBack } from "../store/windows/hold-back.ts";
import { LeaseLost } from "./attempt.ts";
import { type AttemptContext, type AttemptOutcome, attemptOnce, type FailedAttempt } from "./attempt-once.ts";
import { type ClaimedLane, leaseAfter, leftSeconds } from "./claim-due-lanes.ts";
import { deliveryKinds } from "./delivery-kinds.ts";
import { isToTell, oweAttemptEvents } from "./events/attempt-events.ts";
import { decideRetry, type RetryOptions } from "./retry.ts";

export interface DeliverContext extends AttemptContext {
  retry: RetryOptions;
  record: Recorder;
  /** When HighLevel's status calls begin to know a message that it had us send. */
  visibleAfterSeconds: number;
}

/**
 * Attempts a delivery of a lane that this process holds, and records how that ended. `isOver`: the lane is no longer held;
 * `dueInSeconds`: it was given back, and is due again then; at once where that is 0.
 */
export async function attemptDelivery(
  context: DeliverContext,
  claimed: ClaimedLane,
  held: HeldDelivery,
  isOutcomeUnknown: boolean,
): Promise<{ isOver: boolean; dueInSeconds?: number | undefined }> {
  const { lane } = claimed;
  const startedAt = new Date();
  const started = performance.now();
  const ended = await attemptWhileHeld(context, claimed, held, isOutcomeUnknown);
  if (ended === "lease lost") return { isOver: true };

  const durationMs = Math.round(performance.now() - started);
  if ("failure" in ended) {
    const { reason } = ended.failure;
    if (isWindowReason(reason))
      return { isOver: true, dueInSeconds: await hold(context, lane, held, { ...ended, reason }) };
  }
  const next = await nextStep(context, lane, held, ended);
  if (isUncalled(ended))
    return { isOver: true, dueInSeconds: await giveLaneBack(context.db, lane, whenUncalled(lane)) };
  const lease = leaseAfter(claimed, held, next, context.attemptSeconds);
  if (lease !== "kept") claimed.heldUntilMs = performance.now() + claimed.leaseSeconds * 1000;
  const messageId = lane.kind === "post-event" ? undefined : held.message?.id;
  const about = { lane, deliveryId: held.delivery.id, messageId };
  const record = { ...about, startedAt, durationMs, ...describeOutcome(ended), next, lease };
  const report = isToReport(lane, ended, next) ? reportOf(context, lane, held) : undefined;
  const { isHeld, isDue } =
    report || isToTell(context.listeners, { record, lane })
      ? await recordAndOwe(context, record, report)
      : await context.record(record);
  if (lane.kind === "send-outbound" && "result" in ended) await hearEarlyReceipts(context.db, ended.called);
  logAttempt(context, held, record, ended);
  const isGivenBack = lease !== "kept" && "giveBack" in lease;
  return { isOver: !isHeld || isGivenBack, dueInSeconds: isDue ? 0 : waitOf(next) };
}

const waitOf = (next: NextStep) => (next.state === "pending" ? next.retryInSeconds : undefined);

/** What takes what others leave waits by itself where they leave nothing, and no location with it. */
const behindSeconds = 1;
const whenUncalled = ({ kind }: HeldLane) => (deliveryKinds[kind].isBehind ? { inSeconds: behindSeconds } : "due");

async function attemptWhileHeld(
  context: DeliverContext,
  claimed: ClaimedLane,
  held: HeldDelivery,
  isOutcomeUnknown: boolean,
): Promise<AttemptOutcome | "lease lost"> {
  const { locationId, kind } = claimed.lane;
  const { message, conversation } = held;
  const requireLease = () => {
    if (leftSeconds(claimed) < 0) throw new LeaseLost();
  };
  try {
    const event = held.delivery.event ?? undefined;
    const webhookId = held.delivery.webhookId ?? undefined;
    const importId = held.delivery.importId ?? undefined;
    const subject = { kind, locationId, message, conversation, event, webhookId, importId, isOutcomeUnknown };
    const once = () => attemptOnce(context, subject, requireLease);
    const work = { what: "delivery" as const, id: held.delivery.id };
    const attempt = () => context.during?.(work, once) ?? once();
    const outcome = await (context.traceAttempt?.({ ...held, kind, locationId }, attempt) ?? attempt());
    const known = "result" in outcome ? outcome.result.conversation : undefined;
    if (known) for (const each of claimed.lane.deliveries) each.conversation = known;
    return outcome;
  } catch (error) {
    if (error instanceof LeaseLost) return "lease lost";
    throw error;
  }
}

/** What came of a message before its send was recorded, and could not be known to be of it, is read again. */
async function hearEarlyReceipts(db: Db, { provider, accountId }: AttemptOutcome["called"]): Promise<void> {
  if (accountId === undefined || !adapterOf(provider ?? "")?.receiptsLackReference) return;
  await replayEarlyReceipts(db, accountId);
}

/** What follows from an attempt: a pause of the location is carried out here, the rest is recorded with the attempt. */
async function nextStep(
  context: DeliverContext,
  lane: HeldLane,
  held: HeldDelivery,
  ended: AttemptOutcome,
): Promise<NextStep> {
  if ("result" in ended) return { state: "delivered", message: ended.result.change };
  const { failure, isOutcomeUnknown, usedToken } = ended;
  const { reason, retryAfterSeconds, message: detail } = failure;
  const { target, failsMessage, isBehind } = deliveryKinds[lane.kind];
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
  if (isBehind && reason === "own_limit")
    return { state: "pending", retryInSeconds: behindSeconds, counts: false, isOutcomeUnknown };
  const { seconds } = decision;
  if (usedToken) await pause(context, lane, { tokenVersion: usedToken.version, reason, detail, seconds });
  return { state: "pending", retryInSeconds: 0, counts: false, isOutcomeUnknown };
}

async function pause(
  { db, log, accessTokens }: DeliverContext,
  { locationId }: HeldLane,
  trouble: { tokenVersion: number; reason: Failure["reason"]; detail: string; seconds: number | undefined },
): Promise<void> {
  const { tokenVersion, reason, detail, seconds } = trouble;
  accessTokens.forget(locationId);
  const isPaused = await pauseLocation(db, { locationId, tokenVersion, reason, detail, seconds });
  if (isPaused) log(seconds === undefined ? "error" : "warn", "location.paused", { locationId, reason, seconds });
}

/** Our own count of HighLevel's limit was used up: nobody was called, and the location waits. That is no attempt. */
function isUncalled(ended: AttemptOutcome): boolean {
  if (!("failure" in ended) || ended.isOutcomeUnknown) return false;
  return ended.failure.reason === "own_limit";
}

/** Its time has not come: nobody was called. That is no attempt either. Gives in how many seconds the lane is due again. */
async function hold(
  { db, log }: DeliverContext,
  lane: HeldLane,
  { delivery: { id: deliveryId }, message }: HeldDelivery,
  { failure, reason }: FailedAttempt & { reason: WindowReason },
): Promise<number> {
  const { message: detail, retryAfterSeconds: inSeconds = 0 } = failure;
  const { locationId, mappingId, kind } = lane;
  const isDue = await holdBack(db, { lane, deliveryId, reason, detail, inSeconds });
  const ids = { deliveryId, messageId: message?.id, mappingId, locationId };
  log("info", "delivery.held", { ...ids, kind, reason, inSeconds: Math.round(inSeconds) });
  return isDue ? 0 : inSeconds;
}

function describeOutcome(ended: AttemptOutcome): Pick<AttemptRecord, "outcome" | "status" | "detail"> {
  if ("result" in ended) return { outcome: "delivered", status: ended.result.status, detail: ended.result.detail };
  const { reason, status, message } = ended.failure;
  return { outcome: reason, status, detail: message };
}

function isToReport(lane: HeldLane, ended: AttemptOutcome, next: NextStep): boolean | undefined {
  if ("result" in ended) return ended.result.isToReport;
  return next.state === "dead" && deliveryKinds[lane.kind].failsMessage;
}

/** What HighLevel had us send, it is told the fate of. */
function reportOf(
  { visibleAfterSeconds }: DeliverContext,
  { conversationId, locationId }: HeldLane,
  { message }: HeldDelivery,
): NewDelivery | undefined {
  if (message?.origin !== "highlevel") return undefined;
  const inSeconds = reportInSeconds(visibleAfterSeconds, message);
  return { kind: "report-status", conversationId, locationId, messageId: message.id, inSeconds };
}

/** An attempt is kept with what we owe for it, or neither is. */
async function recordAndOwe(
  { db, listeners }: DeliverContext,
  record: AttemptRecord & { lane: HeldLane },
  report: NewDelivery | undefined,
): Promise<RecordResult> {
  return repeatOnConflict(() =>
    db.transaction(async (tx) => {
      const [recorded] = await recordAttempts(tx, [record]);
      const told = await oweAttemptEvents(tx, listeners, { record, lane: record.lane });
      await enqueueDeliveries(tx, [...(report ? [report] : []), ...told]);
      return recorded as RecordResult;
    }),
  );
}

function logAttempt(
  { log }: DeliverContext,
  { message, delivery, conversation }: HeldDelivery,
  record: AttemptRecord & { lane: HeldLane },
  { called }: AttemptOutcome,
): void {
  const { lane, deliveryId, outcome, status, durationMs, next } = record;
  // Nobody must act where a person wants no more.
  const isError = next.state === "dead" && outcome !== "opted_out";
  log(isError ? "error" : "info", "delivery.attempted", {
    deliveryId,
    messageId: message?.id,
    webhookId: delivery.webhookId ?? message?.webhookId,
    mappingId: message ? message.mappingId : (conversation.mappingId ?? undefined),
    locationId: lane.locationId,
    kind: lane.kind,
    ...called,
    outcome,
    status,
    durationMs,
    state: next.state,
    ...(next.state === "pending" ? { retryInSeconds: Math.round(next.retryInSeconds) } : {}),
  });
}
