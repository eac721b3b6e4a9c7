import type { Log } from "../log.ts";

/** What a stall may be about. Ids alone: it is for the log. */
export interface Work {
  what: "webhook" | "webhooks" | "delivery" | "account";
  id: number | string;
}

/** Runs the work, which the log names where the process stands still meanwhile. */
export type During = <Result>(work: Work, run: () => Promise<Result>) => Promise<Result>;

export interface Stalls {
  during: During;
  stop(): void;
}

/** Nothing within the limits keeps the process from everything else for longer. */
const stallMs = 200;
const everyMs = 50;
const maxNamed = 10;

/**
 * Watches whether the process gets round to everything. Where one piece of work has kept it, a line `loop.stalled` says for
 * how long, how much of the processor the process had meanwhile (little, if others on the machine had it), and what was
 * under way at any time since the last look: what began last stands first, and is most likely what it was about.
 */
export function watchStalls(log: Log): Stalls {
  const underWay = new Set<Work>();
  let ended: Work[] = [];
  let lookedMs = performance.now();
  let usage = process.cpuUsage();

  function look(): void {
    const nowMs = performance.now();
    const ms = Math.round(nowMs - lookedMs - everyMs);
    const now = process.cpuUsage();
    if (ms > stallMs) {
      const cpuMs = Math.round((now.user - usage.user + now.system - usage.system) / 1000);
      log("warn", "loop.stalled", { ms, cpuMs, ...name([...underWay], ended) });
    }
    lookedMs = nowMs;
    usage = now;
    ended = [];
  }

  const timer = setInterval(look, everyMs).unref();
  return {
    async during(work, run) {
      underWay.add(work);
      try {
        return await run();
      } finally {
        underWay.delete(work);
        ended.push(work);
      }
    },
    stop: () => clearInterval(timer),
  };
}

/** What has ended within the moment was short, and began in it. */
function name(underWay: Work[], ended: Work[]): { about: string[]; others: number } {
  const newest = [...ended.toReversed(), ...underWay.toReversed()];
  const named = newest.slice(0, maxNamed).map(({ what, id }) => `${what} ${id}`);
  return { about: named, others: newest.length - named.length };
}
