/**
 * What the other side of a call may cost us, in one place. Everything here is a fixed number: what depends on the
 * machine or the plan is a setting (`DELIVERY_CONCURRENCY`, `HIGHLEVEL_TIMEOUT_SECONDS`) and handed in.
 */
export const callLimits = {
  /** An answer that is longer, unpacked, is `invalid_answer`. */
  maxAnswerBytes: 10_000_000,
  /** Of a refusal that is longer nothing is read but its status. */
  maxRefusalLength: 100_000,
  /** Characters of another side's words within a failure's message. What is over it is cut off. */
  maxWordsLength: 500,
  /** Characters of a host's name within a failure's message. */
  maxShownHostLength: 100,
  /** What a Retry-After may ask for; a longer one counts as this. */
  maxRetryAfterSeconds: 6 * 3600,
};

export const fileLimits = {
  /** Redirects that are followed on the way to a file; one more is `rejected`. */
  maxRedirects: 5,
  /** A content type or a disposition that is longer is ignored. */
  maxHeaderLength: 1000,
  /** What files may take that are fetched whole, all together: a mail of the largest size, and another one. */
  maxWholeBytes: 100_000_000,
};

/** What a server of mail may say; after more the connection is closed. */
export const mailboxLimits = {
  /** At each step, beside mails: some 100,000 of these are told of by it. */
  stepBytes: 10_000_000,
  /** How often it is looked how much has come. */
  lookMs: 50,
};

/**
 * How long an idle connection is kept for the next call. A request that crosses with the other side's close has an
 * unknown outcome, so a connection is given up well before.
 */
export const idleLimits = {
  /**
   * Without a `Keep-Alive: timeout=` header: servers that close after one second exist. None is used again until one was
   * seen to stay open for so long, and from then on for half of it.
   */
  silentMs: 750,
  /** Origins of which that is remembered; beyond it the oldest is forgotten. */
  maxOrigins: 1000,
  /** How much earlier than a `Keep-Alive: timeout=` says. */
  marginMs: 1000,
  /** Whatever the header says. */
  maxMs: 60_000,
  /** Of several addresses of a host, each but the last must take the connection within this. */
  connectMs: 1500,
};

export const nameLimits = {
  /** A look-up that takes longer has failed: the call is `unreachable`. */
  timeoutMs: 4000,
  /** The first question to a name server; the second waits longer. */
  questionMs: 1200,
  questions: 2,
  /** How long the IPv6 addresses are waited for once the IPv4 ones are here. */
  otherFamilyMs: 200,
  /** An answer serves as long as its TTL says, within these. */
  minTtlMs: 5000,
  maxTtlMs: 300_000,
  /** How long a failed look-up is not repeated. */
  failedMs: 3000,
  /** How old an answer may be that serves while no name server answers. */
  maxStaleMs: 3_600_000,
  /** Names whose answers are kept; beyond it the oldest is forgotten. */
  maxNames: 2000,
  /** Addresses of one name that are tried. */
  maxAddresses: 8,
  /** Look-ups at once by the system's own resolver, each of which holds one of four threads; others wait. */
  maxSystemLookups: 2,
};

/** Shares of `DELIVERY_CONCURRENCY` are for each target (host and port) of calls to providers, again of files, and of endpoints. */
export const targetLimits = {
  /** Calls at once to a target that has not shown yet that it is quick; at least two. */
  firstShare: 1 / 4,
  /** Calls at once to a target however quick it is: some are always left for others. */
  maxShare: 3 / 4,
  /** An answer within this is quick, and allows one call more at once. A slower one halves what was allowed. */
  quickMs: 2000,
  /** How long a call waits for one of these places; then it is `own_limit`, without having been sent. */
  maxWaitMs: 1000,
  /** Calls in a row without an answer after which the target is not called for a while. */
  maxUnanswered: 5,
  /** That while: doubled each time that the one call after it is not answered either. */
  minRestSeconds: 5,
  maxRestSeconds: 60,
  /** Targets that are kept in mind; beyond it the one that was called longest ago is forgotten. */
  maxTargets: 1000,
};
