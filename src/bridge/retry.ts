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
  mayHaveHappened?: true;
}

const policies: Record<FailureReason, Policy> = {
  unreachable: { follows: "retry" },
  outcome_unknown: { follows: "retry", mayHaveHappened: true },
  unavailable: { follows: "retry", mayHaveHappened: true },
  // HighLevel counts requests in intervals of ten seconds.
  throttled: { follows: "pause", pauseSeconds: 10 },
  server_error: { follows: "retry", atMost: 12, mayHaveHappened: true },
  invalid_answer: { follows: "retry", atMost: 6, mayHaveHappened: true },
  internal_error: { follows: "retry", atMost: 6, mayHaveHappened: true },
  unauthorized: { follows: "pause" },
  needs_reauthorization: { follows: "pause" },
  misconfigured: { follows: "dead" },
  rejected: { follows: "dead" },
  unknown_sender: { follows: "dead" },
};

export interface RetryOptions {
  retryHours: number;
  /** The ceiling of the first delay. */
  firstDelaySeconds: number;
  /** From 0 up to 1. */
  random: () => number;
}

const longestDelaySeconds = 3600;

/**
 * Decides alone, and from nothing but its arguments, when again or never. The ceiling doubles up to an hour, with
 * full jitter below it (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). A Retry-After is
 * the least; so is twice the first delay where the outcome is open: HighLevel shows a new message some seconds late.
 */
export function decideRetry(
  failed: {
    reason: FailureReason;
    retryAfterSeconds: number | undefined;
    /** Attempts that counted, this one included. */
    attempts: number;
    /** Since the first of them. */
    triedForSeconds: number;
  },
  options: RetryOptions,
): Decision {
  const { reason, attempts, triedForSeconds } = failed;
  const { follows, pauseSeconds, atMost = Number.POSITIVE_INFINITY } = policies[reason];
  if (follows === "dead") return { follows };
  if (follows === "pause") {
    return { follows, seconds: pauseSeconds && (failed.retryAfterSeconds ?? pauseSeconds) + options.random() };
  }
  if (attempts >= atMost || triedForSeconds >= options.retryHours * 3600) return { follows: "dead" };
  const ceiling = Math.min(longestDelaySeconds, options.firstDelaySeconds * 2 ** (attempts - 1));
  const leastSeconds = failed.retryAfterSeconds ?? (mayHaveHappened(reason) ? options.firstDelaySeconds * 2 : 0);
  return { follows: "retry", inSeconds: Math.max(leastSeconds, ceiling * options.random()) };
}

/** After such a failure, did the call perhaps do what it should? */
export function mayHaveHappened(reason: FailureReason): boolean {
  return policies[reason].mayHaveHappened ?? false;
}
