import { describeError, type Log } from "../log.ts";
import { adapterOf } from "../providers/registry.ts";
import { type Db, isAboutData, isUnavailable, repeatOnConflict, sqlStateOf } from "../store/database.ts";
import { findMapping } from "../store/mappings.ts";
import type { Webhook } from "../store/schema.ts";
import {
  finishWebhooks,
  listReceivedWebhooks,
  lockAppWebhooks,
  lockMappingWithWebhooks,
  type WebhookOutcome,
} from "../store/webhooks.ts";
import { acceptHighlevel, type HighlevelContext } from "./accept-highlevel.ts";
import { acceptInbound } from "./accept-inbound.ts";
import { describeMapping } from "./mappings.ts";

export interface ProcessContext {
  db: Db;
  log: Log;
  applyInstall: HighlevelContext["applyInstall"];
  /** When HighLevel's status calls begin to know a message that it had us send. */
  visibleAfterSeconds: number;
}

/** Whose webhooks: those of mappings, or what HighLevel posts to the app as a whole. */
export type Inbox = "mappings" | "app";

const batch = { rows: 100, bytes: 20_000_000 };
const single = { rows: 1, bytes: 1 };

/**
 * Processes the oldest received webhooks of one mapping, or of the app, in order, in one transaction; other processes
 * take other mappings meanwhile. `false` when there was nothing to do.
 */
export async function processWebhooks(context: ProcessContext, inbox: Inbox = "mappings"): Promise<boolean> {
  try {
    return await processSome(context, inbox, batch);
  } catch (error) {
    if (!isAboutOneWebhook(error)) throw error;
  }
  // One webhook spoils it for all: process them one by one until it is found.
  return processSome(context, inbox, single);
}

async function processSome(
  context: ProcessContext,
  inbox: Inbox,
  most: { rows: number; bytes: number },
): Promise<boolean> {
  const { db, log } = context;
  const started = performance.now();
  let current: number[] = [];
  try {
    return await repeatOnConflict(() =>
      db.transaction(async (tx) => {
        const queue = await lockQueue(tx, inbox);
        if (!queue) return false;
        const received = await listReceivedWebhooks(tx, queue.mappingId, most);
        current = received.map((webhook) => webhook.id);
        if (received.length === 0) return false;
        const outcomes = await accept({ ...context, tx }, queue.mappingId, received);
        await finishWebhooks(tx, outcomes);
        for (const outcome of outcomes) logOutcome(log, queue.mappingId, outcome, started);
        return true;
      }),
    );
  } catch (error) {
    const [id] = current;
    if (most.rows > 1 || id === undefined || !isAboutOneWebhook(error)) throw error;
    log("error", "webhook.broke", { webhookId: id, ...describeError(error) });
    const reason = isAboutData(error) ? "PostgreSQL cannot store what it says" : "the bridge itself failed over it";
    await finishWebhooks(db, [{ id, state: "failed", reason: `${reason}; its log has a line webhook.broke` }]);
    return true;
  }
}

async function lockQueue(tx: Db, inbox: Inbox): Promise<{ mappingId: string | null } | undefined> {
  if (inbox === "app") return (await lockAppWebhooks(tx)) ? { mappingId: null } : undefined;
  const mappingId = await lockMappingWithWebhooks(tx);
  return mappingId === undefined ? undefined : { mappingId };
}

async function accept(
  context: HighlevelContext & { visibleAfterSeconds: number },
  mappingId: string | null,
  received: Webhook[],
): Promise<WebhookOutcome[]> {
  if (mappingId === null) return acceptHighlevel(context, undefined, received);
  const row = await findMapping(context.tx, mappingId);
  if (!row || !adapterOf(row.provider)) {
    return received.map(({ id }) => ({ id, state: "failed", reason: `no adapter for ${row?.provider}` }));
  }
  const mapping = describeMapping(row);
  const isFrom = (source: Webhook["source"]) => received.filter((webhook) => webhook.source === source);
  const [provided, asked] = [isFrom("provider"), isFrom("highlevel")];
  return [
    ...(provided.length > 0 ? await acceptInbound(context, mapping, provided) : []),
    ...(asked.length > 0 ? await acceptHighlevel(context, mapping, asked) : []),
  ];
}

/** `durationMs` is that of all that were processed with it. */
function logOutcome(log: Log, mappingId: string | null, outcome: WebhookOutcome, started: number): void {
  const { id, state } = outcome;
  const durationMs = Math.round(performance.now() - started);
  log(state === "failed" ? "error" : "info", "webhook.processed", { webhookId: id, mappingId, state, durationMs });
}

/** A value that PostgreSQL refuses, or a mistake of ours: it must not hold up the webhooks of everybody else. */
function isAboutOneWebhook(error: unknown): boolean {
  return isAboutData(error) || (sqlStateOf(error) === undefined && !isUnavailable(error));
}
