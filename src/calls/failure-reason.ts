import type { FailureReason } from "../errors.ts";

/** Whose answer it is. The same status does not mean the same from everybody. */
export type Answerer = "anybody" | "highlevel" | "highlevel-tokens" | "provider";

/** What a call that failed is known by: an answer, or that none came. */
export type CallFacts =
  | { status: number /** The answer, as text. */; words?: string /** Its own code for what is wrong. */; code?: string }
  | { hasLeft: boolean };

interface Reasons {
  /** Words and codes that say more than the status; the first that fits decides. */
  told: { status?: number; words?: RegExp; codes?: string[]; reason: FailureReason }[];
  byStatus: Record<number, FailureReason>;
  /** Any other status below 500, and from 500 on. */
  refused: FailureReason;
  broken: FailureReason;
}

const anybody: Reasons = {
  told: [],
  byStatus: {
    401: "unauthorized",
    408: "unavailable",
    425: "unavailable",
    429: "throttled",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
  },
  refused: "rejected",
  broken: "server_error",
};

const reasons: Record<Answerer, Reasons> = {
  anybody,
  /**
   * A 401 can mean five things, and only a new token helps against some of them: a token that has expired, lacks a
   * scope or is of the wrong kind. A wrong Version header is our mistake; a provider of another app is a setting.
   */
  highlevel: {
    ...anybody,
    told: [
      { status: 401, words: /version header/i, reason: "internal_error" },
      {
        status: 401,
        words: /PROVIDER_NO_ACCESS|No conversation provider found|No message found/i,
        reason: "misconfigured",
      },
      { status: 400, words: /PROVIDER_MISMATCH|conversationProvider/i, reason: "misconfigured" },
    ],
  },
  /**
   * What is wrong with a token endpoint is never a single message's fault: what is no refusal may be over in a while. Of the
   * refusals only those that name the grant are final, and those that name the client ours to end; a location that is
   * suspended is refused as well, until its bill is paid.
   */
  "highlevel-tokens": {
    ...anybody,
    told: [
      { codes: ["invalid_client", "unauthorized_client"], reason: "misconfigured" },
      { codes: ["invalid_grant"], reason: "needs_reauthorization" },
      { words: /\b(invalid|unauthorized)[_ ]client\b|\bclient[_ ]?(id|secret)\b/i, reason: "misconfigured" },
      {
        words:
          /\binvalid[_ ]grant\b|\binvalid refresh|refresh[_ ]?token\b.{0,60}\b(invalid|expired|revoked|used|found)\b/i,
        reason: "needs_reauthorization",
      },
    ],
    refused: "unauthorized",
    broken: "unavailable",
  },
  /** 503 and 429 say that nothing was done. After another 5xx it may have been sent all the same. */
  provider: {
    told: [],
    byStatus: {
      401: "misconfigured",
      403: "misconfigured",
      408: "unavailable",
      425: "unavailable",
      429: "throttled",
      503: "unavailable",
    },
    refused: "rejected",
    broken: "outcome_unknown",
  },
};

/** Why a call failed. What follows from it (when again, or never) is for outbox/retry.ts to say. Pure. */
export function reasonOf(answerer: Answerer, facts: CallFacts): FailureReason {
  if ("hasLeft" in facts) return facts.hasLeft ? "outcome_unknown" : "unreachable";
  const { status, words = "", code = "" } = facts;
  const { told, byStatus, refused, broken } = reasons[answerer];
  const fitting = told.find(
    (each) => (each.status ?? status) === status && (each.words?.test(words) ?? each.codes?.includes(code)),
  );
  return fitting?.reason ?? byStatus[status] ?? (status >= 500 ? broken : refused);
}
