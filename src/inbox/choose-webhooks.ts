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
 * Chooses from received webhooks, oldest first, of which nobody else reads any; those of each account in their order.
 * What is small goes together; so does what is large, two of each account; and what a process has died over, or was in a
 * batch that failed, is read alone, what it has died over least first. These three take turns: nobody's large mails keep
 * the others' texts waiting for long, nobody's deadly one is what each process begins with, and a process that is killed
 * by chance again and again is not killed over the same one.
 */
export function chooseWebhooks(received: Webhook[], caution: Caution): Choice {
  const { newestAtStart = 0, counted, failures, turn } = caution;
  const deathsOf = ({ id, readAttempts }: Webhook) => readAttempts - (counted.has(id) ? 1 : 0);
  const fatal = received.filter((each) => deathsOf(each) >= maxDeaths);
  if (fatal.length > 0) return { fatal };

  const { small, large, alone } = sort(received, (each) => deathsOf(each) > 0 || failures.has(each.id));
  const first = alone.sort((a, b) => deathsOf(a) - deathsOf(b) || a.id - b.id).slice(0, 1);
  const order =
    [
      [small, large, first],
      [first, small, large],
      [large, small, first],
    ][turn % 3] ?? [];
  const webhooks = order.find((each) => each.length > 0) ?? [];
  const isDoubtful = ({ id, readAttempts }: Webhook) => id <= newestAtStart || readAttempts > 0;
  const uncounted = webhooks.filter((each) => isDoubtful(each) && !counted.has(each.id));
  return { webhooks, uncounted: uncounted.map(({ id }) => id) };
}

/** Reading more than that takes its time, in a thread. */
const largeBytes = 100_000;
/** Of one account in one turn: as many as there are threads. */
const maxLarge = 2;

type Kind = "small" | "large" | "alone";

/** Of each account those that come first and are of one kind. */
function sort(webhooks: Webhook[], isSuspect: (webhook: Webhook) => boolean): Record<Kind, Webhook[]> {
  const sorted: Record<Kind, Webhook[]> = { small: [], large: [], alone: [] };
  const lines = new Map<string | null, { kind: Kind; room: number }>();
  for (const webhook of webhooks) {
    const kind = isSuspect(webhook) ? "alone" : kindBySize(webhook);
    const line = lines.get(webhook.accountId) ?? { kind, room: roomOf[kind] };
    lines.set(webhook.accountId, line);
    if (line.kind === kind && line.room > 0) sorted[kind].push(webhook);
    line.room = line.kind === kind ? line.room - 1 : 0;
  }
  return sorted;
}

const kindBySize = ({ body }: Webhook): Kind => (body.length > largeBytes ? "large" : "small");
const roomOf: Record<Kind, number> = { small: Number.POSITIVE_INFINITY, large: maxLarge, alone: 1 };
