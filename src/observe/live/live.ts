import type { Log } from "../../log.ts";
import { findOccurrenceParts } from "../../store/operate/find-occurrence-parts.ts";
import type { Db } from "../../store/postgres/database.ts";
import {
  describeOccurrence,
  isTrouble,
  type Occurrence,
  readBundle,
  readLine,
  type Told,
  toBundles,
} from "./occurrences.ts";

/** Who is told what happens, as it happens. */
export interface Watch {
  /** So that each key has its share. */
  who: string;
  /** What came since the last time, and how much more there was than is told. */
  onTold(told: Told[], missed: number): void;
  /** Nothing is told any more: the process ends. */
  onEnd(): void;
}

export interface Live {
  /** Hears from lines, which are passed on, what happens. Costs nothing while nobody watches. */
  hear(log: Log): Log;
  /** Gives what ends it; undefined where too many watch already. */
  watch(watch: Watch): (() => void) | undefined;
  /** What another process said. */
  onSaid(topic: string | undefined, words: string): void;
  /** How others are told. Without it, what happens in this process is all that is seen. */
  speakBy(say: (topic: string, words: string) => void): void;
  stop(): Promise<void>;
}

const gapMs = 500;
/** In one gap. The rest is counted; what goes as it should leaves half of it to what does not. */
const maxAtOnce = { inAll: 500, plain: 250 };
const maxWatches = { ofKey: 20, inAll: 100 };
/** A process says so often that somebody watches there; the others believe it for three times as long. */
const watchingMs = 10_000;
const maxBundle = 6000;

/**
 * What happens is heard from the log of each process, and told, while somebody watches in any, to all of them: by ids, twice
 * in a second. What is about those ids is read once for all who watch.
 */
export function createLive(people: Db): Live {
  const watches = new Set<Watch>();
  let waiting = { own: [] as Occurrence[], others: [] as Occurrence[], missed: { own: 0, others: 0 } };
  let say: ((topic: string, words: string) => void) | undefined;
  let watchedElsewhereUntil = 0;
  let timer: NodeJS.Timeout | undefined;
  let saying: NodeJS.Timeout | undefined;
  const isWatchedElsewhere = () => Date.now() < watchedElsewhereUntil;

  function add(whose: "own" | "others", seen: Occurrence[], missed = 0): void {
    waiting.missed[whose] += missed;
    for (const each of seen) {
      const room = isTrouble(each.what) ? maxAtOnce.inAll : maxAtOnce.plain;
      if (waiting[whose].length < room) waiting[whose].push(each);
      else waiting.missed[whose] += 1;
    }
    timer ??= setTimeout(tell, gapMs).unref();
  }

  async function tell(): Promise<void> {
    const { own, others, missed } = waiting;
    waiting = { own: [], others: [], missed: { own: 0, others: 0 } };
    if (say && isWatchedElsewhere() && own.length > 0)
      for (const words of toBundles(own, missed.own, maxBundle)) say("happened", words);
    if (watches.size > 0) await tellHere([...own, ...others], missed.own + missed.others);
    timer = waiting.own.length + waiting.others.length > 0 ? setTimeout(tell, gapMs).unref() : undefined;
  }

  async function tellHere(seen: Occurrence[], missed: number): Promise<void> {
    const parts = await findOccurrenceParts(people, seen).catch(() => undefined);
    const told = parts ? seen.flatMap((each) => describeOccurrence(each, parts)) : [];
    for (const watch of watches) watch.onTold(told, missed + (parts ? 0 : seen.length));
  }

  return {
    hear: (log) => (level, event, fields) => {
      log(level, event, fields);
      if (watches.size === 0 && !isWatchedElsewhere()) return;
      const seen = readLine(event, fields ?? {});
      if (seen) add("own", [seen]);
    },
    watch(watch) {
      const ofKey = [...watches].filter(({ who }) => who === watch.who).length;
      if (ofKey >= maxWatches.ofKey || watches.size >= maxWatches.inAll) return undefined;
      watches.add(watch);
      if (watches.size === 1) {
        say?.("watching", "");
        saying = setInterval(() => say?.("watching", ""), watchingMs).unref();
      }
      return () => {
        watches.delete(watch);
        if (watches.size === 0) clearInterval(saying);
      };
    },
    onSaid(topic, words) {
      if (topic === "watching") watchedElsewhereUntil = Date.now() + 3 * watchingMs;
      if (topic !== "happened" || watches.size === 0) return;
      const { seen, missed } = readBundle(words);
      add("others", seen, missed);
    },
    speakBy: (way) => {
      say = way;
    },
    async stop() {
      clearTimeout(timer);
      for (const watch of [...watches]) watch.onEnd();
    },
  };
}
