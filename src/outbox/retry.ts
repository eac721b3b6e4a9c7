import type { FailureReason } from "../errors.ts";

/** What follows from a failed attempt. */
export type Decision =
  /** Try again later; the head of the line keeps its place. */
  | { follows: "retry"; inSeconds: number }
  /** It is not this message's fault: stop the location, for some seconds or until its token is replaced. */
  | { follows: "pause"; seconds: number | undefined }
  /** Given up: visible, and replayable. */
  | { follows: "dead" };

interface Policy {
  follows: "retry" | "pause" | "dead";
  /** How long a pause is that names no end by Retry-After; without it, until the token is replaced. */
  pauseSeconds?: number;
  /** Fewer attempts than the time would allow, for what is probably for ever. */
  atMost?: number;
  /** The call may have been carried out: look before calling again. */
  isOutcomeUnknown?: true;
  /** The least delay, as so many times the first one. */
  minDelays?: number;
}

const towardsHighlevel: Record<FailureReason, Policy> = {
  unreachable: { follows: "retry" },
  outcome_unknown: { follows: "retry", isOutcomeUnknown: true },
  unavailable: { follows: "retry", isOutcomeUnknown: true },
  not_visible: { follows: "retry" },
  // HighLevel counts requests in intervals of ten seconds.
  throttled: { follows: "pause", pauseSeconds: 10 },
  own_limit: { follows: "pause", pauseSeconds: 10 },
  server_error: { follows: "retry", atMost: 12, isOutcomeUnknown: true },
  invalid_answer: { follows: "retry", atMost: 6, isOutcomeUnknown: true },
  internal_error: { follows: "retry", atMost: 6, isOutcomeUnknown: true },
  unauthorized: { follows: "pause" },
  needs_reauthorization: { follows: "pause" },
  misconfigured: { follows: "dead" },
  rejected: { follows: "dead" },
  unconfirmed: { follows: "dead" },
  unknown_sender: { follows: "dead" },
  failed_dmarc: { follows: "dead" },
  opted_out: { follows: "dead" },
  // What is held back is no failed attempt: nothing is to be decided.
  outside_window: { follows: "retry" },
  daily_cap: { follows: "retry" },
};

/**
 * A provider's trouble pauses nothing but the conversation. Where the outcome of a send is open, a receipt may tell it:
 * wait for one.
 */
const towardsProvider: Record<FailureReason, Policy> = {
  ...towardsHighlevel,
  outcome_unknown: { follows: "retry", isOutcomeUnknown: true, minDelays: 8 },
  invalid_answer: { follows: "retry", isOutcomeUnknown: true, minDelays: 8 },
  unavailable: { follows: "retry" },
  throttled: { follows: "retry" },
  own_limit: { follows: "retry" },
  unauthorized: { follows: "retry" },
  needs_reauthorization: { follows: "retry" },
};

/**
 * An endpoint hears an event twice rather than not at all, and drops what it knows by its id. A wrong setting is waited out,
 * as it keeps back all that comes; what it refuses of one event must not keep back the others for long.
 */
const towardsEndpoint: Record<FailureReason, Policy> = {
  ...towardsProvider,
  outcome_unknown: { follows: "retry" },
  server_error: { follows: "retry" },
  invalid_answer: { follows: "retry" },
  internal_error: { follows: "retry", atMost: 6 },
  misconfigured: { follows: "retry" },
  rejected: { follows: "retry", atMost: 4 },
};

/** A mail that is fetched twice is fetched. A wrong setting is waited out, as at an endpoint. */
const towardsSource: Record<FailureReason, Policy> = { ...towardsEndpoint, rejected: { follows: "dead" } };

const policies = {
  ...{ highlevel: towardsHighlevel, provider: towardsProvider, endpoint: towardsEndpoint, source: towardsSource },
};

/** Whom a delivery calls. */
export type Target = keyof typeof policies;

export interface RetryOptions {
  retryHours: number;
  /** The same for what is to reach a person: a late answer is worse than one that is known to have failed. */
  sendRetryHours: number;
  /** The ceiling of the first delay. */
  firstDelaySeconds: number;
  /** From 0 up to 1. */
  random: () => number;
}

const maxDelaySeconds = 3600;

/**
 * Decides alone, and from nothing but its arguments, when again or never. The ceiling doubles up to an hour, with
 * full jitter below it (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). A Retry-After is
 * the least; so is twice the first delay where the outcome is open: HighLevel shows a new message some seconds late.
 */
export function decideRetry(
  failed: {
    target: Target;
    reason: FailureReason;
    retryAfterSeconds: number | undefined;
    /** Attempts that counted, this one included. */
    attempts: number;
    /** Since the first of them. */
    triedForSeconds: number;
  },
  options: RetryOptions,
): Decision {
  const { target, reason, attempts, triedForSeconds } = failed;
  const { follows, pauseSeconds, minDelays, atMost = Number.POSITIVE_INFINITY } = policies[target][reason];
  if (follows === "dead") return { follows };
  if (follows === "pause") {
    return { follows, seconds: pauseSeconds && (failed.retryAfterSeconds ?? pauseSeconds) + options.random() };
  }
  const maxHours = target === "provider" ? options.sendRetryHours : options.retryHours;
  if (attempts >= atMost || triedForSeconds >= maxHours * 3600) return { follows: "dead" };
  const ceiling = Math.min(maxDelaySeconds, options.firstDelaySeconds * 2 ** (attempts - 1));
  const delays = minDelays ?? (isOutcomeUnknown(target, reason) ? 2 : 0);
  const least = failed.retryAfterSeconds ?? delays * options.firstDelaySeconds;
  return { follows: "retry", inSeconds: Math.max(least, ceiling * options.random()) };
}

/** After such a failure, did the call perhaps do what it should? */
export function isOutcomeUnknown(target: Target, reason: FailureReason): boolean {
  return policies[target][reason].isOutcomeUnknown ?? false;
}

/** After which a call perhaps did what it should. */
export const unknownReasons = (target: Target): FailureReason[] =>
  (Object.keys(policies[target]) as FailureReason[]).filter((reason) => isOutcomeUnknown(target, reason));
