import { describeError, type Log } from "../log.ts";
import { addAttemptCounts, bucketBounds } from "../store/operate/attempt-counts.ts";
import type { Db } from "../store/postgres/database.ts";
import { type AttemptCount, type CountSpan, noMapping } from "../store/schema.ts";

/** How attempts end, for the figures that are shown. */
export interface AttemptCounts {
  /** Hears it from lines, which are passed on. */
  hear(log: Log): Log;
  /** Keeps what is not kept yet. */
  stop(): Promise<void>;
}

/** One statement for so long; what a process that dies has not kept yet is not counted. */
const gatherMs = 5000;
/** While the database is away: what is more is not counted. */
const maxKeys = 20_000;

const spans: Record<CountSpan, number> = { minute: 60_000, hour: 3_600_000 };

type Attempted = Pick<AttemptCount, "locationId" | "kind" | "state" | "outcome"> & {
  mappingId?: string | null;
  durationMs: number;
};

/** Counts in memory, and adds it to what all processes have counted each few seconds. */
export function createAttemptCounts(db: Db): AttemptCounts {
  let gathered = new Map<string, AttemptCount>();
  let timer: NodeJS.Timeout | undefined;
  let tellLog: Log = () => undefined;

  function gather(count: AttemptCount): void {
    const { span, at, locationId, mappingId, kind, state, outcome } = count;
    const key = `${span} ${at.getTime()} ${locationId} ${mappingId} ${kind} ${state} ${outcome}`;
    const known = gathered.get(key);
    if (known) {
      known.count += count.count;
      known.buckets = known.buckets.map((number, place) => number + (count.buckets[place] ?? 0));
    } else if (gathered.size < maxKeys) gathered.set(key, count);
  }

  function note({ durationMs, mappingId, locationId, kind, state, outcome }: Attempted): void {
    const place = bucketBounds.findIndex((bound) => durationMs <= bound);
    const buckets = [...bucketBounds, 0].map(() => 0);
    buckets[place === -1 ? bucketBounds.length : place] = 1;
    const common = { locationId, mappingId: mappingId ?? noMapping, kind, state, outcome, count: 1 };
    for (const [span, ms] of Object.entries(spans) as [CountSpan, number][])
      gather({ ...common, span, at: new Date(Math.floor(Date.now() / ms) * ms), buckets: [...buckets] });
    timer ??= setTimeout(keep, gatherMs).unref();
  }

  /** While the database is away they are gathered on. */
  async function keep(): Promise<void> {
    const kept = [...gathered.values()];
    gathered = new Map();
    if (kept.length > 0)
      await addAttemptCounts(db, kept).catch((error: unknown) => {
        tellLog("debug", "counts.not_kept", describeError(error));
        for (const each of kept) gather(each);
      });
    timer = gathered.size > 0 ? setTimeout(keep, gatherMs).unref() : undefined;
  }

  return {
    hear(log) {
      tellLog = log;
      return (level, event, fields) => {
        log(level, event, fields);
        if (event === "delivery.attempted") note(fields as unknown as Attempted);
      };
    },
    async stop() {
      clearTimeout(timer);
      await keep();
      clearTimeout(timer);
    },
  };
}
