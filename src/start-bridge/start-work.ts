import type { Config } from "../config.ts";
import type { ProcessContext } from "../inbox/process-webhooks.ts";
import type { AttemptCounts } from "../observe/count-attempts.ts";
import type { Live } from "../observe/live/live.ts";
import type { DeliverContext } from "../outbox/attempt-delivery.ts";
import { createNotifier } from "../store/postgres/notify.ts";
import { queues, startWorker, type Worker, type WorkerOptions } from "../worker.ts";

/** Others must do what a process without a worker takes in; they may help one that has begun with it. */
const gapMs = { web: 10, worker: 100, all: 100 };

/** The worker, unless that is another process's part, and word to and from the other processes on the same database. */
export function startWork(
  config: Config,
  context: DeliverContext & ProcessContext & Pick<WorkerOptions, "reseal"> & { live: Live; counts: AttemptCounts },
  { pollSeconds, isPooled }: { pollSeconds: number; isPooled: boolean },
): Worker {
  const { db, log, reseal, live, counts } = context;
  const { database, run, deliveryConcurrency, retentionDays, deadRetentionDays } = config;
  const onTold = (topic: string | undefined, words: string) => {
    for (const each of queues) if (topic === undefined || topic === each) worker?.wake(each);
    live.onSaid(topic, words);
  };
  const listening = { minGapMs: isPooled ? gapMs.web : gapMs[run], onTold: isPooled ? undefined : onTold };
  const notifier = "url" in database ? createNotifier({ db, log, url: database.url, ...listening }) : undefined;
  if (notifier) live.speakBy(notifier.say);
  const onDue = () => notifier?.tell("deliveries");
  const worker =
    run === "web"
      ? undefined
      : startWorker(context, {
          ...{ deliveryConcurrency, retentionDays, deadRetentionDays, pollSeconds, onDue, reseal },
          perDay: config.highlevelRequests.perDay,
        });
  return {
    wake(queue) {
      worker?.wake(queue);
      notifier?.tell(queue);
    },
    secondsSinceTurn: () => worker?.secondsSinceTurn(),
    stop: async () => {
      await Promise.all([notifier?.close(), worker?.stop()]);
      await counts.stop();
    },
  };
}
