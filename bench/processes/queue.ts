import { setTimeout as sleep } from "node:timers/promises";
import { Logger, run as runGraphileWorker, runMigrations } from "graphile-worker";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { answerQuestions, settingsOf } from "./talk.ts";

/** What one would take from npm in place of the outbox, at its best settings, with jobs that cost nothing. */

export interface QueueSettings {
  queue: "pg-boss" | "graphile-worker";
  databaseUrl: string;
  poolSize: number;
  /** One conversation's jobs one after another, by the means that the queue has for it. */
  inOrder: boolean;
  total: number;
  conversations: number;
}

const { queue, databaseUrl, poolSize, inOrder, total, conversations } = settingsOf<QueueSettings>();
const name = "post-inbound";
const connectionString = databaseUrl;
const pool = new pg.Pool({ connectionString, max: 2 });

interface Started {
  stop(): Promise<unknown>;
}
interface Queue {
  /** Makes its tables, and fills them. */
  fill(): Promise<void>;
  start(onDone: (jobs: number) => void): Promise<Started>;
  /** How many jobs are not done with. */
  left: string;
}

/** What a delivery and its message hold; messages of one conversation lie apart, as they come over time. */
const payloadSql = `jsonb_build_object('conversationId', m % ${conversations}, 'providerMessageId', 'SM' || md5(m::text),
  'content', jsonb_build_object('to', jsonb_build_array('+15002000000'), 'cc', '[]'::jsonb, 'bcc', '[]'::jsonb,
    'text', 'Hello, this is message ' || m || ': could you call me back this afternoon?',
    'attachments', '[]'::jsonb, 'inReplyTo', '[]'::jsonb, 'references', '[]'::jsonb))`;

function pgBoss(): Queue {
  const boss = new PgBoss({ connectionString, max: poolSize, supervise: false, schedule: false });
  return {
    async fill() {
      await boss.start();
      await boss.createQueue(name, inOrder ? { policy: "key_strict_fifo" } : {});
      for (let from = 0; from < total; from += 10_000) {
        const { rows } = await pool.query<{ data: { conversationId: number } }>(
          `select ${payloadSql} as data from generate_series($1::int, $2::int) m`,
          [from + 1, Math.min(total, from + 10_000)],
        );
        const keyed = rows.map(({ data }) => ({ data, singletonKey: String(data.conversationId) }));
        await boss.insert(name, inOrder ? keyed : rows);
      }
    },
    async start(onDone) {
      const how = { batchSize: 500, localConcurrency: 4, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
      await boss.work(name, how, async (jobs) => onDone(jobs.length));
      return boss;
    },
    left: "select count(*)::int as left from pgboss.job where name = 'post-inbound' and state < 'completed'",
  };
}

function graphileWorker(): Queue {
  const logger = new Logger(() => () => undefined);
  return {
    async fill() {
      await runMigrations({ connectionString, logger });
      await pool.query(
        `select count(*) from graphile_worker.add_jobs((
           select array_agg((${`'${name}', ${payloadSql}::json, ${inOrder ? `(m % ${conversations})::text` : "null"}`},
             null, null, null, null, null)::graphile_worker.job_spec order by m)
           from generate_series(1, $1::int) m))`,
        [total],
      );
    },
    async start(onDone) {
      const worker = { connectionString, maxPoolSize: poolSize, concurrentJobs: 24, preparedStatements: true };
      const batches = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
      return runGraphileWorker({
        preset: { worker: { ...worker, ...batches, logger } },
        noHandleSignals: true,
        taskList: { [name]: async () => onDone(1) },
      });
    },
    left: "select count(*)::int as left from graphile_worker._private_jobs",
  };
}

const tried = { "pg-boss": pgBoss, "graphile-worker": graphileWorker }[queue]();

const questions = {
  async fill() {
    await tried.fill();
    await pool.query("vacuum analyze");
    await pool.query("checkpoint");
  },
  /** Works until nothing is left or the time is over. */
  async drain({ seconds }: { seconds: number }) {
    let done = 0;
    const started = performance.now();
    const elapsed = () => (performance.now() - started) / 1000;
    const left = async () => (await pool.query<{ left: number }>(tried.left)).rows[0]?.left ?? 0;
    const worker = await tried.start((jobs) => {
      done += jobs;
    });
    while (done < total && elapsed() < seconds) await sleep(5);
    const isDrained = done >= total;
    let remaining = await left();
    while (isDrained && remaining > 0 && elapsed() < seconds) remaining = await left();
    const took = elapsed();
    await worker.stop();
    return { delivered: total - remaining, seconds: took, perSecond: (total - remaining) / took };
  },
};
export type QueuePeer = typeof questions;
answerQuestions(questions);
