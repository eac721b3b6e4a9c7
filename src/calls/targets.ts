import { finished, Readable } from "node:stream";
import { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Breaker, type CallEnd, createBreaker } from "./breaker.ts";
import { hostAndPort, shownHost } from "./failures.ts";
import { targetLimits } from "./limits.ts";
import { createPlaces, type Places } from "./places.ts";

export interface TargetsOptions {
  /** Calls at once over all targets: how many conversations are delivered to at once. */
  concurrency: number;
  /** The longest that a call may take. */
  timeoutSeconds: number;
  log: Log;
}

/** Makes a call as before, or throws a Failure without having made it. */
export type GuardTargets = <Request extends { url: string }, Answer extends { body: unknown }>(
  call: (request: Request) => Promise<Answer>,
) => (request: Request) => Promise<Answer>;

interface Target {
  places: Places;
  breaker: Breaker;
}

/**
 * Keeps one target (a host and its port) from taking what is for all. Throws a Failure, and has sent nothing then:
 * - `own_limit` when too many calls to the target are under way, and none of them ends within a second
 * - `unreachable` while the target is left alone because it has not been answering
 *
 * What it knows is this process's own, and gone with it.
 */
export function createTargets(options: TargetsOptions): GuardTargets {
  const find = createFind(options);
  const halfTimeMs = (options.timeoutSeconds * 1000) / 2;

  return (call) => async (request) => {
    const target = find(request.url);
    requireAnswering(target, request.url);
    if (!(await target.places.take())) {
      throw new Failure(
        "own_limit",
        `${shownHost(hostAndPort(request.url))} has too many calls under way: this one was not made`,
      );
    }
    const beganMs = performance.now();
    const tookMs = () => performance.now() - beganMs;
    const giveBack = (end: CallEnd) => {
      target.places.giveBack({ wasQuick: end === "answered" && tookMs() < targetLimits.quickMs });
    };
    try {
      requireAnswering(target, request.url);
    } catch (error) {
      giveBack("unclear");
      throw error;
    }
    target.breaker.begin();
    try {
      const answer = await call(request);
      target.breaker.end("answered");
      // A stream holds its place until it has come.
      if (answer.body instanceof Readable) finished(answer.body, () => giveBack("answered"));
      else giveBack("answered");
      return answer;
    } catch (error) {
      const end = endOf(error, tookMs() >= halfTimeMs);
      target.breaker.end(end, error instanceof Failure ? error.reason : undefined);
      giveBack(end);
      throw error;
    }
  };
}

function requireAnswering({ breaker }: Target, url: string): void {
  const seconds = breaker.restSeconds();
  if (seconds === 0) return;
  const until = new Date(Date.now() + seconds * 1000).toISOString().slice(11, 19);
  const words = `${shownHost(hostAndPort(url))} has not answered ${breaker.unanswered()} times: not called until ${until} UTC`;
  throw new Failure("unreachable", words, { retryAfterSeconds: seconds });
}

/**
 * Whatever has a status is an answer. A call that ended before half of its time without one may have been ended by its
 * caller, whose time was up: that says nothing about the target, unless no connection came about.
 */
function endOf(error: unknown, tookLong: boolean): CallEnd {
  if (!(error instanceof Failure)) return "unclear";
  if (error.status !== undefined || error.reason === "invalid_answer") return "answered";
  if (error.reason !== "unreachable" && error.reason !== "outcome_unknown") return "unclear";
  return wasGivenUp(error) && !tookLong ? "unclear" : "unanswered";
}

function wasGivenUp({ cause }: Failure): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ERR_CANCELED";
}

function createFind({ concurrency, log }: TargetsOptions): (url: string) => Target {
  const targets = new Map<string, Target>();
  const quarter = Math.ceil(concurrency * targetLimits.firstShare);
  const max = Math.max(1, Math.floor(concurrency * targetLimits.maxShare));
  const first = Math.min(max, Math.max(2, quarter));

  return (url) => {
    const host = hostAndPort(url);
    const target = targets.get(host) ?? {
      places: createPlaces({ first, max }),
      breaker: createBreaker({
        onOpen: (seconds, reason) => log("info", "host.resting", { host, reason, seconds }),
        onClose: (seconds) => log("info", "host.answering", { host, seconds }),
      }),
    };
    // To the end of the line: the one that was called longest ago is the first to be forgotten.
    targets.delete(host);
    targets.set(host, target);
    for (const [name, { places }] of targets) {
      if (targets.size <= targetLimits.maxTargets) break;
      if (places.isIdle()) targets.delete(name);
    }
    return target;
  };
}
