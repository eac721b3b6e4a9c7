import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { ProcessContext } from "../../src/inbox/process-webhooks.ts";
import type { DeliverContext } from "../../src/outbox/attempt-delivery.ts";
import { loadProduct, type ProductKind } from "../product.ts";
import { answerQuestions, settingsOf } from "./talk.ts";

/** A worker whose posts to HighLevel cost nothing: what is left is the outbox. */

export interface OutboxSettings {
  product: ProductKind;
  databaseUrl: string;
  poolSize: number;
  deliveryConcurrency: number;
}

const { product, databaseUrl, poolSize, deliveryConcurrency } = settingsOf<OutboxSettings>();
const [
  { openDatabase },
  { selectRows },
  { createRecorder },
  { startWorker },
  { createMappings },
  { createSealer },
  { createLog },
  { createHighlevel },
] = await Promise.all([
  loadProduct<typeof import("../../src/store/postgres/open-database.ts")>(product, "store/postgres/open-database"),
  loadProduct<typeof import("../../src/store/postgres/database.ts")>(product, "store/postgres/database"),
  loadProduct<typeof import("../../src/store/attempts.ts")>(product, "store/attempts"),
  loadProduct<typeof import("../../src/worker.ts")>(product, "worker"),
  loadProduct<typeof import("../../src/registry/mappings.ts")>(product, "registry/mappings"),
  loadProduct<typeof import("../../src/secrets/seal.ts")>(product, "secrets/seal"),
  loadProduct<typeof import("../../src/log.ts")>(product, "log"),
  loadProduct<typeof import("../../src/highlevel/client.ts")>(product, "highlevel/client"),
]);

const { db } = await openDatabase({ url: databaseUrl, poolSize, startSeconds: 5 });
// Each line is made, and written nowhere.
const log = createLog("info", { write: () => undefined });
let posts = 0;
const unused = () => Promise.reject(new Error("the outbox alone calls nothing but postInbound"));
const highlevel: DeliverContext["highlevel"] = {
  ...createHighlevel({ callApi: unused, baseUrl: "http://127.0.0.1" }),
  postInbound: async () => ({
    status: 200,
    messageId: `message-${++posts}`,
    conversationId: undefined,
    contactId: undefined,
    emailMessageId: undefined,
  }),
};
const context: DeliverContext & ProcessContext = {
  db,
  log,
  emailSecret: Buffer.alloc(32),
  highlevel,
  mappings: createMappings({ db, sealer: createSealer([Buffer.alloc(32)]) }),
  accessTokens: {
    get: async () => ({ token: "token", version: 1 }),
    forget: () => undefined,
    renew: async () => "impossible",
  },
  record: createRecorder(db),
  reading: { parse: unused, openFiles: unused, stop: unused },
  plainText: { of: unused },
  callProvider: unused,
  callEndpoint: unused,
  endpoints: { get: unused, forget: () => undefined },
  listeners: { of: () => [], ofType: () => [], learn: unused },
  accounts: { get: unused, forget: () => undefined },
  fetchMedia: unused,
  fetchWhole: unused,
  mailLimitBytes: 50_000_000,
  fetchPublic: unused,
  publicUrl: "https://bridge.example.com",
  attachmentLimitBytes: 5_000_000,
  emailAttachmentsLimitBytes: 10_000_000,
  attemptSeconds: 30,
  visibleAfterSeconds: 5,
  retry: { retryHours: 36, sendRetryHours: 4, firstDelaySeconds: 2, random: Math.random },
  applyInstall: unused,
};

async function pendingCount(): Promise<number> {
  const statement = sql`select count(*)::int as pending from deliveries where state = 'pending'`;
  const [counted] = await selectRows<{ pending: number }>(db, statement);
  return counted?.pending ?? 0;
}

const questions = {
  /** Works until nothing is pending or the time is over. */
  async drain({ total, seconds }: { total: number; seconds: number }) {
    const started = performance.now();
    const worker = startWorker(context, {
      deliveryConcurrency,
      retentionDays: 30,
      deadRetentionDays: 180,
      pollSeconds: 1,
      perDay: 200_000,
      onDue: () => undefined,
      reseal: async () => false,
    });
    const elapsed = () => (performance.now() - started) / 1000;
    while (posts < total && elapsed() < seconds) await sleep(5);
    const isDrained = posts >= total;
    let left = await pendingCount();
    while (isDrained && left > 0 && elapsed() < seconds) left = await pendingCount();
    const took = elapsed();
    await worker.stop();
    return {
      delivered: total - left,
      seconds: took,
      perSecond: (total - left) / took,
      cpuSeconds: process.cpuUsage().user / 1e6,
    };
  },
};
export type Outbox = typeof questions;
answerQuestions(questions);
