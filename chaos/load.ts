import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import type { WebhookRequest } from "../src/model.ts";
import type { Sandbox } from "../src/sandbox/sandbox.ts";
import { callIdOf, idOf, type LoadProvider, personNumber, stopIdOf } from "../test/support/load.ts";
import { publicUrl } from "../test/support/location.ts";

/** Where the webhooks go, and how many. */
export interface LoadOptions {
  mappings: Map<LoadProvider, string>;
  /** Per provider. */
  people: number;
  /** Between two messages of one person, on average: read each time. */
  readonly pauseMs: number;
  /** Where a load balancer would send the next request. */
  nextUrl(): string;
  random: () => number;
  /** Nobody is more messages ahead of what is in HighLevel: where the machine is slower than the pauses, they wait for it. */
  keepUp?: { sandbox: Pick<Sandbox, "messages">; mostAhead: number };
  /** People beside them who write nothing but a STOP, and others who call, once. */
  withOthers?: boolean;
}

export interface Load {
  acknowledged: Set<string>;
  sent: Set<string>;
  /** The numbers of those who have texted STOP, once it was acknowledged. */
  leavers: Set<string>;
  /** Of those who have called, once that and what was said was acknowledged. */
  callers: Set<string>;
  /** Requests, repetitions included. */
  requests(): number;
  /** Of them, those that were answered 503 or 429. */
  refused(): number;
  /** Answers that are neither a 200 nor an honest refusal to be repeated: how often each. */
  surprises: Map<string, number>;
  /** Ends with every message acknowledged. */
  stop(): Promise<void>;
  /** Ends at once: nobody is there any more who would acknowledge. */
  abandon(): void;
}

class Abandoned extends Error {}

function unlessAbandoned(error: unknown): false {
  if (!(error instanceof Abandoned)) throw error;
  return false;
}

/** How many of the messages come twice at once, how many again once they were acknowledged, and how many again much later. */
const repeated = { atOnce: 0.1, again: 0.1, late: 0.05 };

/**
 * People who write one message after another to each of the providers, which post it as providers do: again and
 * again until it is acknowledged, and sometimes although it was.
 */
export function startLoad(options: LoadOptions): Load {
  const { mappings, people, random } = options;
  const pause = (factor: number) => sleep(factor * options.pauseMs * (0.5 + random()));
  const acknowledged = new Set<string>();
  const sent = new Set<string>();
  const surprises = new Map<string, number>();
  const stray = new Set<Promise<boolean>>();
  let requests = 0;
  let refused = 0;
  let isOver = false;
  let isAbandoned = false;

  const hasArrived = createArrivals(options.keepUp?.sandbox);
  /** Takes the ids of what somebody has written, until the bridge has kept up with all but the last of them. */
  const keepUp = async (ids: string[]) => {
    const id = ids.at(-(options.keepUp?.mostAhead ?? Number.POSITIVE_INFINITY));
    while (id !== undefined && !isOver && !hasArrived(id)) await sleep(50);
  };
  const leavers = new Set<string>();
  const callers = new Set<string>();
  const post = (provider: LoadProvider, mappingId: string, person: number, number: number) =>
    request(provider, provider.webhook(mappingId, person, number));
  const request = async (provider: LoadProvider, { url, headers, body }: WebhookRequest) => {
    requests++;
    const answer = await axios
      .post(`${options.nextUrl()}${url.slice(publicUrl.length)}`, body, {
        headers,
        validateStatus: () => true,
        timeout: 3000,
      })
      .catch(() => undefined);
    if (isAbandoned) throw new Abandoned();
    if (answer?.status === 503 || answer?.status === 429) refused++;
    else if (answer && answer.status !== 200) {
      const surprise = `${provider.mapping.provider} was answered ${answer.status}`;
      surprises.set(surprise, (surprises.get(surprise) ?? 0) + 1);
    }
    return answer?.status === 200;
  };
  const postAside = (...args: Parameters<typeof post>) => {
    const run = post(...args)
      .catch(unlessAbandoned)
      .finally(() => stray.delete(run));
    stray.add(run);
  };
  const writeOn = async (provider: LoadProvider, mappingId: string, person: number) => {
    const ids: string[] = [];
    for (let number = 1; !isOver; number++) {
      const id = idOf(provider.mapping.provider, person, number);
      ids.push(id);
      sent.add(id);
      if (random() < repeated.atOnce) postAside(provider, mappingId, person, number);
      while (!(await post(provider, mappingId, person, number))) await sleep(50 + 100 * random());
      acknowledged.add(id);
      if (random() < repeated.again) postAside(provider, mappingId, person, number);
      if (number > 3 && random() < repeated.late) postAside(provider, mappingId, person, number - 3);
      await Promise.all([pause(1), keepUp(ids)]);
    }
  };
  /** One after another leaves, each by one STOP, which may come twice. */
  const leave = async (provider: LoadProvider, mappingId: string, line: number) => {
    const ids: string[] = [];
    for (let turn = 0; !isOver && provider.stop; turn++) {
      const number = personNumber(1000 * (line + 1) + turn);
      while (!(await request(provider, provider.stop(mappingId, number)))) await sleep(50 + 100 * random());
      leavers.add(number);
      ids.push(stopIdOf(number));
      if (random() < repeated.again) await request(provider, provider.stop(mappingId, number));
      await Promise.all([pause(2), keepUp(ids)]);
    }
  };
  /** One after another calls; that, and what was said, may come twice. */
  const call = async (provider: LoadProvider, mappingId: string) => {
    const ids: string[] = [];
    for (let turn = 0; !isOver && provider.call; turn++) {
      const number = personNumber(900_000 + turn);
      for (const webhook of provider.call(mappingId, number)) {
        while (!(await request(provider, webhook))) await sleep(50 + 100 * random());
        if (random() < repeated.again) await request(provider, webhook);
      }
      callers.add(number);
      ids.push(callIdOf(number));
      await Promise.all([pause(2), keepUp(ids)]);
    }
  };
  const everybody = Promise.all(
    [...mappings].flatMap(([provider, mappingId], line) => [
      ...Array.from({ length: people }, (_, person) => writeOn(provider, mappingId, person)),
      ...(options.withOthers ? [leave(provider, mappingId, line), call(provider, mappingId)] : []),
    ]),
  );
  const done = everybody.catch(unlessAbandoned);
  return {
    acknowledged,
    sent,
    leavers,
    callers,
    surprises,
    requests: () => requests,
    refused: () => refused,
    async stop() {
      isOver = true;
      await done;
      await Promise.all(stray);
    },
    abandon() {
      isOver = true;
      isAbandoned = true;
    },
  };
}

/** Tells whether HighLevel has the message of an id; looks at each message once. */
function createArrivals(sandbox: Pick<Sandbox, "messages"> | undefined): (id: string) => boolean {
  const arrived = new Set<string | undefined>();
  let seen = 0;
  return (id) => {
    const messages = sandbox?.messages() ?? [];
    for (; seen < messages.length; seen++) arrived.add(messages[seen]?.altId);
    return arrived.has(id);
  };
}
