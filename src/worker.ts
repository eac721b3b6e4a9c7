import { setTimeout as sleep } from "node:timers/promises";
import { type Loop, startLoop } from "./concurrency/loop.ts";
import { endAbandoned } from "./inbox/imports/manage-imports.ts";
import { stepImport } from "./inbox/imports/step-import.ts";
import { createProcessing, type ProcessContext, type Processed } from "./inbox/process-webhooks.ts";
import { describeError } from "./log.ts";
import type { Inbox, Queue, Wake } from "./model.ts";
import type { DeliverContext } from "./outbox/attempt-delivery.ts";
import { type ClaimedLane, claimDueLanes, offerPlaces, takeLeased } from "./outbox/claim-due-lanes.ts";
import { deliverLane } from "./outbox/deliver-lane.ts";
import { createPlaces } from "./outbox/places.ts";
import { stepReplay } from "./outbox/replay/step-replay.ts";
import type { Offer } from "./store/deliveries.ts";
import type { ImportWork } from "./store/imports/imports.ts";
import type { LeasedLane } from "./store/lanes/held-lane.ts";
import { recallParts } from "./store/messages/parts.ts";
import { endDead } from "./store/operate/erase-person.ts";
import type { Db } from "./store/postgres/database.ts";
import { pruneStep } from "./store/retention.ts";
import { noMapping } from "./store/schema.ts";

export const queues: readonly Queue[] = ["accounts", "app", "deliveries"];

export interface Worker {
  /** There is something new: look at once instead of at the next poll. */
  wake: Wake;
  /** How long ago the loop that lags most did its turn: a worker that is well takes one at each poll. Undefined where none runs. */
  secondsSinceTurn(): number | undefined;
  /** Takes nothing new on, and resolves when what was under way is done. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  /** Conversations delivered to at once. */
  deliveryConcurrency: number;
  retentionDays: number;
  deadRetentionDays: number;
  /** How many calls to HighLevel a location may make in a day. */
  perDay: number;
  /** How often to look without being woken: what another process stored, and what is due again. */
  pollSeconds: number;
  /** Seals anew what an earlier key has sealed; `true` where there is more. */
  reseal: () => Promise<boolean>;
  /** Processing has made deliveries due, which other processes may take as well. */
  onDue: () => void;
}

export function startWorker(context: DeliverContext & ProcessContext, options: WorkerOptions): Worker {
  const { log } = context;
  const { pollSeconds } = options;
  const underWay = new Set<Promise<void>>();
  const places = createPlaces(options.deliveryConcurrency);
  /** The last claim took so many lanes that more is probably due: the next one waits until half of the places are free. */
  let isFull = false;
  const deliver = startLoop({ log, pollSeconds, name: "deliver", run: () => startDeliveries() });
  const processWebhooks = createProcessing(context);
  const startProcessing = (inbox: Inbox) =>
    startLoop({
      log,
      pollSeconds,
      name: `process ${inbox}`,
      run: async (isWoken) => {
        // Then a claim shares the places, and has all that are free.
        const kept = isFull ? undefined : places.offer();
        const offer = kept && offerPlaces(context, kept.places);
        try {
          const processed = await processWebhooks(inbox, offer);
          if (processed && offer) deliverAtOnce(offer, processed);
          // An install lets lanes go on that were due before.
          if (processed?.isMoreDue || (processed && inbox === "app")) {
            deliver.wake();
            options.onDue();
          }
          return mayBeMore(processed, isWoken);
        } finally {
          kept?.end();
        }
      },
    });
  const inboxes = { accounts: startProcessing("accounts"), app: startProcessing("app") };
  const wake: Wake = (queue) => (queue === "deliveries" ? deliver : inboxes[queue]).wake();
  const chores = startChores(context, options, wake);

  async function startDeliveries(): Promise<boolean> {
    const now = places.now();
    if (now.free === 0 || (isFull && !places.areHalfFree())) return false;
    const claimed = await claimDueLanes(context, now);
    isFull = claimed.length >= (now.free - now.reserved) / 3;
    for (const each of claimed) startLane(each.lane, async () => each);
    return false;
  }

  /** What was leased as it became due is not claimed: its heads are read by one statement, and a lane is delivered as any other. */
  function deliverAtOnce(offer: Offer, processed: Processed): void {
    if (processed.leased.length === 0) return;
    const taken = takeLeased(context, offer, processed);
    for (const [index, leased] of processed.leased.entries()) startLane(leased, async () => (await taken)[index]);
  }

  function startLane(lane: Omit<LeasedLane, "claimedFrom">, read: () => Promise<ClaimedLane | undefined>): void {
    const giveBack = places.take(lane);
    const deliverIt = async () => {
      const [claimed] = await Promise.all([read(), readAhead(context, lane)]);
      return claimed && deliverLane(context, claimed, () => deliver.isStopping());
    };
    const run = deliverIt()
      .catch((error: unknown) => {
        log("error", "lane.broke", describeError(error));
        return undefined;
      })
      .then((inSeconds = Number.POSITIVE_INFINITY) => {
        underWay.delete(run);
        giveBack();
        // Its webhook is received again.
        if (lane.kind === "fetch-mail") inboxes.accounts.wake();
        if (isFull ? places.areHalfFree() : inSeconds === 0) deliver.wake();
        if (inSeconds > 0) deliver.wakeIn(inSeconds);
      });
    underWay.add(run);
  }

  return {
    wake,
    secondsSinceTurn: () =>
      Math.max(...[inboxes.accounts, inboxes.app, deliver].map((loop) => loop.secondsSinceTurn())),
    async stop() {
      await Promise.all([inboxes.accounts, inboxes.app, deliver, ...chores].map((loop) => loop.stop()));
      await Promise.all(underWay);
    },
  };
}

/** What comes after a batch was taken wakes the loop; where nobody did, as through a pooler, it is looked for until nothing is there. */
const mayBeMore = (processed: Processed | undefined, isWoken: boolean) =>
  processed !== undefined && (processed.isMoreReceived || !isWoken);

/** What a lane's attempts go by is read while its deliveries are. They ask for it again, and hear what went wrong. */
async function readAhead({ mappings }: DeliverContext, { mappingId }: Pick<LeasedLane, "mappingId">): Promise<void> {
  if (mappingId !== noMapping) await mappings.get(mappingId).catch(() => undefined);
}

const importPauseMs = 40;

/** So many imports ask at once, a provider for what it has kept or HighLevel for people, however long each takes. */
const importLoops: { name: string; work: ImportWork; polls: number }[] = [
  { name: "import", work: "posting", polls: 1 },
  ...[1, 2, 3, 4].map((nth) => ({ name: `import ask ${nth}`, work: "asking" as const, polls: 5 })),
];

/** What is done now and then, apart from all work. */
function startChores(context: DeliverContext, options: WorkerOptions, wake: Wake): Loop[] {
  const { log, db } = context;
  const recall = async () => {
    if (await recallParts(db)) wake("accounts");
    return false;
  };
  const onWork = (queue: Queue) => {
    wake(queue);
    if (queue === "deliveries") options.onDue();
  };
  return [
    startLoop({ log, pollSeconds: 3600, name: "prune", run: () => pruneSome(db, options) }),
    // Nothing is due sooner than minutes after it came.
    startLoop({ log, pollSeconds: options.pollSeconds * 30, name: "recall parts", run: recall }),
    startLoop({ log, pollSeconds: options.pollSeconds, name: "replay", run: () => stepReplay({ db, onWork }) }),
    ...importLoops.map(({ name, work, polls }) =>
      startLoop({
        ...{ log, pollSeconds: options.pollSeconds * polls, name },
        async run() {
          const inSeconds = await stepImport({ ...context, onWork, perDay: options.perDay }, work);
          if (inSeconds === undefined || inSeconds > options.pollSeconds) return false;
          // Everything else has its turn between two steps, however fast one goes on.
          await sleep(Math.max(importPauseMs, inSeconds * 1000));
          return true;
        },
      }),
    ),
    startLoop({ log, pollSeconds: 3600, name: "reseal", run: options.reseal }),
  ];
}

async function pruneSome(
  db: Db,
  { retentionDays, deadRetentionDays }: Pick<WorkerOptions, "retentionDays" | "deadRetentionDays">,
): Promise<boolean> {
  const hasEnded = await endDead(db, { days: deadRetentionDays, rows: 1000 });
  const hasMore = (await pruneStep(db, { retentionDays, rows: 1000 })) > 0 || hasEnded;
  // Last: one that cannot be ended keeps nothing else from being deleted.
  if (!hasMore) await endAbandoned(db, retentionDays);
  return hasMore;
}
