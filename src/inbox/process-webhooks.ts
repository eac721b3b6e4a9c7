import { describeError, type Log } from "../log.ts";
import type { Inbox } from "../model.ts";
import type { Reading } from "../providers/reading.ts";
import { adapterOf } from "../providers/registry.ts";
import { describeMapping } from "../registry/mappings.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import type { Db } from "../store/postgres/database.ts";
import { isAboutData, isUnavailable, repeatOnConflict, sqlStateOf } from "../store/postgres/database-errors.ts";
import {
  finishWebhooks,
  listReceivedWebhooks,
  lockAppWebhooks,
  lockMappingsWithWebhooks,
  type WebhookOutcome,
} from "../store/received-webhooks.ts";
import type { MappingRow, Webhook } from "../store/schema.ts";
import { acceptHighlevel, type HighlevelContext, type HighlevelWebhook } from "./accept-highlevel.ts";
import { acceptInbound } from "./accept-inbound.ts";
import type { Acceptance, MappedWebhook } from "./read-webhook.ts";

export interface ProcessContext {
  db: Db;
  log: Log;
  reading: Reading;
  applyInstall: HighlevelContext["applyInstall"];
  /** When HighLevel's status calls begin to know a message that it had us send. */
  visibleAfterSeconds: number;
}

const batch = { mappings: 20, rows: 200, bytes: 20_000_000 };
const single = { mappings: 1, rows: 1, bytes: 1 };

/**
 * Processes the oldest received webhooks of some mappings, or of the app, those of each in their order, in one transaction;
 * other processes take other mappings meanwhile. `false` when there was nothing to do.
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

async function processSome(context: ProcessContext, inbox: Inbox, limits: typeof batch): Promise<boolean> {
  const { db, log } = context;
  const started = performance.now();
  let received: Webhook[] = [];
  try {
    const outcomes = await repeatOnConflict(() =>
      db.transaction(async (tx) => {
        const mappings = inbox === "app" ? undefined : await lockMappingsWithWebhooks(tx, limits.mappings);
        if (mappings ? mappings.length === 0 : !(await lockAppWebhooks(tx))) return [];
        received = await listReceivedWebhooks(tx, mappings?.map(({ id }) => id) ?? null, limits);
        const outcomes = await accept({ ...context, tx }, mappings ?? [], received);
        await finishWebhooks(tx, outcomes);
        return outcomes;
      }),
    );
    logOutcomes(log, received, outcomes, Math.round(performance.now() - started));
    return outcomes.length > 0;
  } catch (error) {
    const id = received[0]?.id;
    if (limits.rows > 1 || id === undefined || !isAboutOneWebhook(error)) throw error;
    log("error", "webhook.broke", { webhookId: id, ...describeError(error) });
    const reason = isAboutData(error) ? "PostgreSQL cannot store what it says" : "the bridge itself failed over it";
    await finishWebhooks(db, [{ id, state: "failed", reason: `${reason}; its log has a line webhook.broke` }]);
    return true;
  }
}

/** Takes in a batch, whoever posted it. What it makes us owe is enqueued by one statement. */
async function accept(
  context: HighlevelContext & { reading: Reading },
  rows: MappingRow[],
  received: Webhook[],
): Promise<WebhookOutcome[]> {
  const mappings = new Map(
    rows.filter(({ provider }) => adapterOf(provider)).map((row) => [row.id, describeMapping(row)]),
  );
  const unreadable: WebhookOutcome[] = [];
  const fromProviders: MappedWebhook[] = [];
  const fromHighlevel: HighlevelWebhook[] = [];
  for (const webhook of received) {
    const { id, mappingId } = webhook;
    const mapping = mappings.get(mappingId ?? "");
    if (mappingId !== null && !mapping) {
      const provider = rows.find((row) => row.id === mappingId)?.provider;
      unreadable.push({ id, state: "failed", reason: `no adapter for ${provider}` });
    } else if (mapping && webhook.source === "provider") fromProviders.push({ mapping, webhook });
    else fromHighlevel.push({ mapping, webhook });
  }
  const inbound = fromProviders.length > 0 ? await acceptInbound(context, fromProviders) : nothing;
  const outbound = fromHighlevel.length > 0 ? await acceptHighlevel(context, fromHighlevel) : nothing;
  await enqueueDeliveries(context.tx, [...inbound.owed, ...outbound.owed]);
  return [...unreadable, ...inbound.outcomes, ...outbound.outcomes];
}

const nothing: Acceptance = { outcomes: [], owed: [] };

/** `durationMs` is that of all that were processed together. */
function logOutcomes(log: Log, received: Webhook[], outcomes: WebhookOutcome[], durationMs: number): void {
  const mappingIds = new Map(received.map(({ id, mappingId }) => [id, mappingId]));
  for (const { id, state } of outcomes) {
    const fields = { webhookId: id, mappingId: mappingIds.get(id), state, durationMs };
    log(state === "failed" ? "error" : "info", "webhook.processed", fields);
  }
}

/** A value that PostgreSQL refuses, or a mistake of ours: it must not hold up the webhooks of everybody else. */
function isAboutOneWebhook(error: unknown): boolean {
  return isAboutData(error) || (sqlStateOf(error) === undefined && !isUnavailable(error));
}
