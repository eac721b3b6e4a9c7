import type { ReceivedWebhook } from "../store/received-webhooks.ts";

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
  | { fatal: ReceivedWebhook[] }
  /** To be counted before they are read. */
  | { uncounted: number[] }
  | { webhooks: ReceivedWebhook[] };

/** So often may the bridge die over a webhook that it reads alone. */
export const maxDeathsAlone = 2;
/** And once with others. Less would fail what was being read by chance when a process was killed twice. */
const maxDeaths = 1 + maxDeathsAlone;

/**
 * Chooses from received webhooks, oldest first. All that nothing is known against goes together, up to the first one that
 * a process may have died over, or that was in a batch which failed: that is read alone. One whose deaths are as many as
 * may be is left, and all behind it in its line, while another process may be at it. What is large takes turns with all
 * the rest, two of each mapping at a time: nobody's large mails keep the others' texts waiting for longer than that.
 */
export function chooseWebhooks(received: ReceivedWebhook[], caution: Caution): Choice {
  const deathsOf = ({ id, readAttempts }: ReceivedWebhook) => readAttempts - (caution.counted.has(id) ? 1 : 0);
  const isFatal = (webhook: ReceivedWebhook) => deathsOf(webhook) >= maxDeaths;
  const fatal = received.filter((each) => isFatal(each) && !each.isBeingRead);
  if (fatal.length > 0) return { fatal };

  const held = new Set(received.filter(isFatal).map(({ mappingId }) => mappingId));
  const free = held.size === 0 ? received : received.filter(({ mappingId }) => !held.has(mappingId));
  const firstAlone = free.findIndex((each) => deathsOf(each) > 0 || caution.failures.has(each.id));
  const webhooks =
    firstAlone === 0
      ? free.slice(0, 1)
      : takeTurns(free.slice(0, firstAlone === -1 ? undefined : firstAlone), caution.turn);

  const { newestAtStart = 0, counted } = caution;
  const uncounted = webhooks.filter(
    ({ id, readAttempts }) => (id <= newestAtStart || readAttempts > 0) && !counted.has(id),
  );
  return uncounted.length > 0 ? { uncounted: uncounted.map(({ id }) => id) } : { webhooks };
}

/** Reading more than that takes its time, in a thread. */
const largeBytes = 100_000;
/** Of one mapping in one turn: as many as there are threads. */
const maxLarge = 2;

/** Those ahead of the first large one of each mapping; or, in every second turn, the large ones that come first of all. */
function takeTurns(webhooks: ReceivedWebhook[], turn: number): ReceivedWebhook[] {
  const small: ReceivedWebhook[] = [];
  const large: ReceivedWebhook[] = [];
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
