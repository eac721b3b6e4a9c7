import { startLoop } from "./concurrency/loop.ts";
import { createProcessing, type ProcessContext } from "./inbox/process-webhooks.ts";
import { describeError } from "./log.ts";
import type { Inbox, Queue, Wake } from "./model.ts";
import type { DeliverContext } from "./outbox/attempt-delivery.ts";
import { claimDueLanes } from "./outbox/claim-due-lanes.ts";
import { deliverLane } from "./outbox/deliver-lane.ts";
import { createPlaces } from "./outbox/places.ts";
import { recallParts } from "./store/messages/parts.ts";
import { endDead } from "./store/operate/erase-person.ts";
import type { Db } from "./store/postgres/database.ts";
import { pruneStep } from "./store/retention.ts";

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
  /** How often to look without being woken: what another process stored, and what is due again. */
  pollSeconds: number;
  /** Seals anew what an earlier key has sealed; `true` where there is more. */
  reseal: () => Promise<boolean>;
  /** Processing has made deliveries due, which other processes may take as well. */
  onDue: () => void;
}

export function startWorker(context: DeliverContext & ProcessContext, options: WorkerOptions): Worker {
  const { log, db } = context;
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
      run: async () => {
        const processed = await processWebhooks(inbox);
        if (processed) {
          deliver.wake();
          options.onDue();
        }
        return processed;
      },
    });
  const inboxes = { accounts: startProcessing("accounts"), app: startProcessing("app") };
  const prune = startLoop({
    log,
    pollSeconds: 3600,
    name: "prune",
    run: () => pruneSome(db, options),
  });

  const recall = startLoop({
    log,
    // Nothing is due sooner than minutes after it came.
    pollSeconds: pollSeconds * 30,
    name: "recall parts",
    run: async () => {
      if (await recallParts(db)) inboxes.accounts.wake();
      return false;
    },
  });

  const reseal = startLoop({ log, pollSeconds: 3600, name: "reseal", run: options.reseal });

  async function startDeliveries(): Promise<boolean> {
    const now = places.now();
    if (now.free === 0 || (isFull && !places.areHalfFree())) return false;
    const claimed = await claimDueLanes(context, now);
    isFull = claimed.length >= (now.free - now.reserved) / 3;
    for (const { lane, ...rest } of claimed) {
      const giveBack = places.take(lane);
      const run = deliverLane(context, { lane, ...rest }, () => deliver.isStopping())
        .catch((error: unknown) => {
          log("error", "lane.broke", describeError(error));
          return false;
        })
        .then((isDueAgain) => {
          underWay.delete(run);
          giveBack();
          // Its webhook is received again.
          if (lane.kind === "fetch-mail") inboxes.accounts.wake();
          if (isFull ? places.areHalfFree() : isDueAgain) deliver.wake();
        });
      underWay.add(run);
    }
    return false;
  }

  return {
    wake: (queue) => (queue === "deliveries" ? deliver : inboxes[queue]).wake(),
    secondsSinceTurn: () =>
      Math.max(...[inboxes.accounts, inboxes.app, deliver].map((loop) => loop.secondsSinceTurn())),
    async stop() {
      await Promise.all([inboxes.accounts, inboxes.app, deliver, prune, recall, reseal].map((loop) => loop.stop()));
      await Promise.all(underWay);
    },
  };
}

async function pruneSome(
  db: Db,
  { retentionDays, deadRetentionDays }: Pick<WorkerOptions, "retentionDays" | "deadRetentionDays">,
): Promise<boolean> {
  const hasEnded = await endDead(db, { days: deadRetentionDays, rows: 1000 });
  return (await pruneStep(db, { retentionDays, rows: 1000 })) > 0 || hasEnded;
}
