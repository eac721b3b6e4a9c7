import type { Webhook } from "../store/schema.ts";

/** What one process knows of webhooks that ended a process, or that broke a batch. */
export interface Caution {
  /** The newest webhook that was there when the process started: what came before may be what ended the last one. */
  newestAtStart: number | undefined;
  /** Those of which this process has counted that it reads them: as it lives, it has not died over them. */
  readonly counted: Set<number>;
  /** Those that were in a batch that failed: how often each has failed alone since. */
  readonly failures: Map<number, number>;
  /** How often something was processed: what is large takes every second turn. */
  turn: number;
}

export const newCaution = (): Caution => ({
  newestAtStart: undefined,
  counted: new Set(),
  failures: new Map(),
  turn: 0,
});

/** What to do first with what was received. */
export type Choice =
  /** The bridge has died over them so often that nobody reads them again. */
  | { fatal: Webhook[] }
  /** To be read, and those of them of which that is to be counted before. */
  | { webhooks: Webhook[]; uncounted: number[] };

/** So often may the bridge die over a webhook that it reads alone. */
export const maxDeathsAlone = 2;
/** And once with others. Less would fail what was being read by chance when a process was killed twice. */
const maxDeaths = 1 + maxDeathsAlone;

/**
 * Chooses from received webhooks, oldest first, of which nobody else reads any. All that nothing is known against goes
 * together, up to the first one that a process has died over, or that was in a batch which failed: that is read alone.
 * What is large takes turns with all the rest, two of each mapping at a time: nobody's large mails keep the others' texts
 * waiting for longer than that.
 */
export function chooseWebhooks(received: Webhook[], caution: Caution): Choice {
  const { newestAtStart = 0, counted, failures, turn } = caution;
  const deathsOf = ({ id, readAttempts }: Webhook) => readAttempts - (counted.has(id) ? 1 : 0);
  const fatal = received.filter((each) => deathsOf(each) >= maxDeaths);
  if (fatal.length > 0) return { fatal };

  const firstAlone = received.findIndex((each) => deathsOf(each) > 0 || failures.has(each.id));
  const ahead = received.slice(0, firstAlone === -1 ? undefined : firstAlone);
  const webhooks = firstAlone === 0 ? received.slice(0, 1) : takeTurns(ahead, turn);
  const isDoubtful = ({ id, readAttempts }: Webhook) => id <= newestAtStart || readAttempts > 0;
  const uncounted = webhooks.filter((each) => isDoubtful(each) && !counted.has(each.id));
  return { webhooks, uncounted: uncounted.map(({ id }) => id) };
}

/** Reading more than that takes its time, in a thread. */
const largeBytes = 100_000;
/** Of one mapping in one turn: as many as there are threads. */
const maxLarge = 2;

/** Those ahead of the first large one of each mapping; or, in every second turn, the large ones that come first of all. */
function takeTurns(webhooks: Webhook[], turn: number): Webhook[] {
  const small: Webhook[] = [];
  const large: Webhook[] = [];
  const beginSmall = new Set<string | null>();
  const largeOf = new Map<string | null, number>();
  for (const webhook of webhooks) {
    const { mappingId, body } = webhook;
    const before = largeOf.get(mappingId) ?? 0;
    if (body.length > largeBytes) {
      if (before < maxLarge && !beginSmall.has(mappingId)) large.push(webhook);
      largeOf.set(mappingId, before + 1);
    } else if (before === 0) {
      small.push(webhook);
      beginSmall.add(mappingId);
    }
  }
  const [first, second] = turn % 2 === 0 ? [small, large] : [large, small];
  return first.length > 0 ? first : second;
}
