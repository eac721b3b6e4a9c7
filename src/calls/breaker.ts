import type { FailureReason } from "../errors.ts";
import { targetLimits } from "./limits.ts";

/** How a call ended, as far as the target is concerned: `unclear` says nothing about it. */
export type CallEnd = "answered" | "unanswered" | "unclear";

export interface Breaker {
  /** For how many seconds the target is not called yet; 0 when it may be. */
  restSeconds(): number;
  /** A call begins: the only one until it ends, where the target has not been answering. */
  begin(): void;
  end(how: CallEnd, reason?: FailureReason): void;
  /** Calls in a row without an answer. */
  unanswered(): number;
}

export interface BreakerEvents {
  /** The target has not answered so often that it is not called for some seconds. Not told again until it has answered. */
  onOpen(seconds: number, reason: FailureReason | undefined): void;
  /** It has answered again, after so many seconds. */
  onClose(seconds: number): void;
}

/**
 * Leaves a target alone that has not answered several calls in a row, for a time that grows as long as the one call after
 * it is not answered either. It decides whether a call is made; what became of one is never its to say.
 */
export function createBreaker({ onOpen, onClose }: BreakerEvents): Breaker {
  let unanswered = 0;
  let openedAtMs: number | undefined;
  let restsUntilMs = 0;
  let nextRestSeconds = targetLimits.minRestSeconds;
  let isProbing = false;

  function rest(reason: FailureReason | undefined): void {
    restsUntilMs = performance.now() + nextRestSeconds * 1000;
    if (openedAtMs === undefined) {
      openedAtMs = performance.now();
      onOpen(nextRestSeconds, reason);
    }
    nextRestSeconds = Math.min(targetLimits.maxRestSeconds, nextRestSeconds * 2);
  }

  function close(): void {
    unanswered = 0;
    if (openedAtMs !== undefined) onClose(Math.round((performance.now() - openedAtMs) / 1000));
    openedAtMs = undefined;
    nextRestSeconds = targetLimits.minRestSeconds;
    isProbing = false;
  }

  return {
    restSeconds() {
      if (openedAtMs === undefined) return 0;
      const leftSeconds = Math.max(0, (restsUntilMs - performance.now()) / 1000);
      return isProbing ? Math.max(1, leftSeconds) : leftSeconds;
    },
    begin() {
      isProbing = openedAtMs !== undefined;
    },
    end(how, reason) {
      if (how === "answered") return close();
      if (how === "unanswered") unanswered++;
      // Calls that had begun before the target was left alone end later: they do not lengthen its rest.
      const isDue =
        openedAtMs === undefined ? unanswered >= targetLimits.maxUnanswered : performance.now() >= restsUntilMs;
      if (how === "unanswered" && isDue) rest(reason);
      isProbing = false;
    },
    unanswered: () => unanswered,
  };
}
