import { describeError, type Log } from "../log.ts";
import { adapterOf } from "../providers/registry.ts";
import { type Db, isAboutData, isUnavailable, repeatOnConflict, sqlStateOf } from "../store/database.ts";
import { findMapping } from "../store/mappings.ts";
import {
  finishWebhooks,
  listReceivedWebhooks,
  lockMappingWithWebhooks,
  type WebhookOutcome,
} from "../store/webhooks.ts";
import { acceptInbound } from "./accept-inbound.ts";
import { describeMapping } from "./mappings.ts";

export interface ProcessContext {
  db: Db;
  log: Log;
}

const batch = { rows: 100, bytes: 20_000_000 };
const single = { rows: 1, bytes: 1 };

/**
 * Processes the oldest received webhooks of one mapping, in order, in one transaction; other processes take other
 * mappings meanwhile. `false` when there was nothing to do.
 */
export async function processWebhooks(context: ProcessContext): Promise<boolean> {
  try {
    return await processSome(context, batch);
  } catch (error) {
    if (!isAboutOneWebhook(error)) throw error;
  }
  // One webhook spoils it for all: process them one by one until it is found.
  return processSome(context, single);
}

async function processSome(context: ProcessContext, most: { rows: number; bytes: number }): Promise<boolean> {
  const { db, log } = context;
  let current: number[] = [];
  try {
    return await repeatOnConflict(() =>
      db.transaction(async (tx) => {
        const mappingId = await lockMappingWithWebhooks(tx);
        if (!mappingId) return false;
        const received = await listReceivedWebhooks(tx, mappingId, most);
        current = received.map((webhook) => webhook.id);
        const row = await findMapping(tx, mappingId);
        if (!row || received.length === 0) return false;
        const outcomes = adapterOf(row.provider)
          ? await acceptInbound({ tx, log }, describeMapping(row), received)
          : received.map(({ id }) => ({ id, state: "failed" as const, reason: `no adapter for ${row.provider}` }));
        await finishWebhooks(tx, outcomes);
        for (const outcome of outcomes) logOutcome(log, mappingId, outcome);
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

function logOutcome(log: Log, mappingId: string, outcome: WebhookOutcome): void {
  const { id, state } = outcome;
  log(state === "failed" ? "error" : "info", "webhook.processed", { webhookId: id, mappingId, state });
}

/** A value that PostgreSQL refuses, or a mistake of ours: it must not hold up the webhooks of everybody else. */
function isAboutOneWebhook(error: unknown): boolean {
  return isAboutData(error) || (sqlStateOf(error) === undefined && !isUnavailable(error));
}
