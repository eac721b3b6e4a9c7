/**
 * The few errors of the bridge. Whoever sees a failure says what happened, in a word of a closed list;
 * what follows from it (when again, or never) is decided in one place, outbox/retry.ts.
 */

export const failureReasons = [
  /** No connection: the request never left. */
  "unreachable",
  /** The request left and no whole answer came: it may have been carried out. */
  "outcome_unknown",
  /** 429. */
  "throttled",
  /** A limit of our own: nobody was called. */
  "own_limit",
  /** 408, 425, 502, 503, 504: not now. */
  "unavailable",
  /** 500 and other 5xx: perhaps for ever, perhaps not. */
  "server_error",
  /** A success that lacks what it must carry: it may have been carried out. */
  "invalid_answer",
  /** The token does not work (any more): nothing of this location can go out until it is replaced. */
  "unauthorized",
  /** The refresh token is refused: somebody must connect the location again. */
  "needs_reauthorization",
  /** A refusal that repeating does not change, because of a setting: correct it, then replay. */
  "misconfigured",
  /** A refusal that repeating does not change, because of the message. */
  "rejected",
  /** HighLevel does not show its new message to us yet. */
  "not_visible",
  /** Nobody can say whether the provider has sent it: for a person to decide. */
  "unconfirmed",
  /** The mapping holds messages of senders that nobody registered. */
  "unknown_sender",
  /** The mapping holds mail of which its provider says that somebody else wrote it: for a person to decide. */
  "failed_dmarc",
  /** The person is not to be written to: see opt-outs. Nobody was called, or the provider refused it for that. */
  "opted_out",
  /** Nobody is to be written to by the mapping at this hour: it waits for the next one, and nobody was called. */
  "outside_window",
  /** As many as the mapping may send in a day were sent: it waits for the next day, and nobody was called. */
  "daily_cap",
  /** Our own mistake. */
  "internal_error",
] as const;

export type FailureReason = (typeof failureReasons)[number];

/** Of what no call has failed: somebody has to look first. */
export const heldReasons = ["failed_dmarc", "unknown_sender"] as const satisfies FailureReason[];
export type HeldReason = (typeof heldReasons)[number];

export const windowReasons = ["outside_window", "daily_cap"] as const satisfies FailureReason[];
export type WindowReason = (typeof windowReasons)[number];
/** Of a send that no call has failed: it is held back until its time has come. */
export const isWindowReason = (reason: string | null): reason is WindowReason =>
  windowReasons.some((each) => each === reason);

/** A call that failed. `message` is for the operator: the other side's own words where there are any. */
export class Failure extends Error {
  override name = "Failure";
  readonly reason: FailureReason;
  readonly status: number | undefined;
  /** The other side's own code for it. */
  readonly code: string | undefined;
  /** What the answer's Retry-After asked for, or for how long a target is left alone. */
  readonly retryAfterSeconds: number | undefined;
  /** The answer, for a caller that can read more out of it than its status. */
  readonly answer: unknown;
  /** The answer's, with their names in lower case. */
  readonly headers: Record<string, string> | undefined;

  constructor(
    reason: FailureReason,
    message: string,
    details: {
      status?: number | undefined;
      code?: string | undefined;
      retryAfterSeconds?: number | undefined;
      answer?: unknown;
      headers?: Record<string, string> | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.reason = reason;
    this.status = details.status;
    this.code = details.code;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.answer = details.answer;
    this.headers = details.headers;
  }
}

/** A verified webhook that cannot be read. `message` says which field is missing or wrong. */
export class ParseError extends Error {
  override name = "ParseError";
}

/** The bridge cannot start or go on as configured. `message` says which setting, and what to do. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** What an integrator asked for cannot be done. Each of `errors` names a field and says what would fit. */
export class InvalidRequest extends Error {
  override name = "InvalidRequest";
  readonly kind: "invalid" | "conflict" | "not_found";
  readonly errors: { path: string; message: string }[];

  constructor(kind: InvalidRequest["kind"], message: string, errors: InvalidRequest["errors"] = []) {
    super(message);
    this.kind = kind;
    this.errors = errors;
  }
}
