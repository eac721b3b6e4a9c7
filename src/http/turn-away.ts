import { createAllowance } from "../concurrency/allowance.ts";
import { createSparse } from "../concurrency/sparse.ts";
import type { RefusalCounts } from "../inbox/refusals/count-refusals.ts";
import { describeError, type Log } from "../log.ts";
import type { RefusalReason } from "../model.ts";
import type { IsKnownId } from "../registry/known-ids.ts";
import { Problem } from "./problem.ts";
import { isUuid } from "./uuid.ts";

/** Ids and sizes, and nothing that was sent. */
export interface About {
  accountId?: string | undefined;
  mappingId?: string | undefined;
  id?: string;
  provider?: string | undefined;
  /** The declared size, and the most that there may be. */
  bytes?: number | undefined;
  limitBytes?: number;
}

export type Refusal = { reason: RefusalReason; [detail: string]: string | number | undefined };

/** What is turned away is told to operators: in the log, by the first of its like in a minute, and by counts. */
export interface TurnAway {
  /** Notes one that is refused for what it is; gives what to answer. */
  refused(about: About, refusal: Refusal, answer: { status?: number; detail: string }): Problem;
  /** The same for an id that nobody was given, or whose account is long deleted. */
  missing(about: About, status: 404 | 410, detail: string): Problem;
  /** Notes what a limit of ours turns away: whoever posts it may give up. */
  orLimited<Result>(about: About, work: Promise<Result>): Promise<Result>;
  /** Notes one that was taken in, of which what is over the limit is not kept. */
  cut(about: About): void;
  /** Whatever keeps the database from taking it, the provider must come again: it is not stored. */
  orUnavailable<Result>(about: About, work: Promise<Result>): Promise<Result>;
}

export interface TurnAwayContext {
  log: Log;
  isKnownId: IsKnownId;
  refusals: RefusalCounts;
}

/** A flood of what is turned away must not become one of the log. */
const noticeSeconds = 60;
/** Anybody can make ids up. */
const maxMissing = { seconds: noticeSeconds, ofEach: 1, inAll: 10 };
/** Of the others a body may be broken off or packed: that is no limit's. */
const limitStatuses = new Set([413, 429, 503]);

export function createTurnAway({ log, isKnownId, refusals }: TurnAwayContext): TurnAway {
  const isFirst = createSparse(noticeSeconds);
  const mayTellMissing = createAllowance(maxMissing);

  function count(about: About, { reason, ...detail }: Refusal): void {
    const source = about.provider === "highlevel" ? "highlevel" : "provider";
    const ownerId = source === "highlevel" ? about.mappingId : about.accountId;
    if (ownerId !== undefined) refusals.add({ ownerId, source, reason, detail });
  }

  /** The id of a mapping may be made up; who asks must not learn from the time of the answer whether it is. */
  async function knownParts(about: About): Promise<About> {
    const { mappingId, ...rest } = about;
    if (mappingId === undefined) return about;
    const isKnown = isUuid(mappingId) && (await isKnownId(mappingId).catch(() => false));
    return isKnown ? about : rest;
  }

  async function note(about: About, refusal: Refusal): Promise<void> {
    const known = await knownParts(about);
    count(known, refusal);
    const { accountId, mappingId, provider } = known;
    const level = isFirst(`${provider} ${accountId ?? mappingId} ${refusal.reason}`) ? "warn" : "debug";
    log(level, "webhook.refused", { ...known, ...refusal });
  }

  return {
    refused(about, refusal, { status = 401, detail }) {
      void note(about, refusal);
      return new Problem(status, detail);
    },
    missing(about, status, detail) {
      const level = mayTellMissing(`${about.accountId ?? about.mappingId ?? about.id} ${status}`) ? "warn" : "debug";
      log(level, "webhook.missing", { ...about, status });
      return new Problem(status, detail);
    },
    async orLimited(about, work) {
      return work.catch((error: unknown) => {
        if (error instanceof Problem && limitStatuses.has(error.status)) {
          const { status } = error;
          const { bytes, limitBytes } = about;
          count(about, status === 413 ? { reason: "too_large", bytes, limitBytes } : { reason: "limited", status });
          const level = isFirst(`${about.provider} ${about.accountId ?? about.mappingId} ${status}`) ? "warn" : "debug";
          log(level, "webhook.limited", { ...about, status, detail: error.message });
        }
        throw error;
      });
    },
    cut(about) {
      log(isFirst(`${about.provider} ${about.accountId} cut`) ? "warn" : "debug", "webhook.cut", { ...about });
    },
    async orUnavailable(about, work) {
      try {
        return await work;
      } catch (error) {
        log("error", "webhook.unavailable", { ...about, ...describeError(error) });
        throw new Problem(503, "the webhook could not be stored: send it again", { headers: { "Retry-After": "5" } });
      }
    },
  };
}
