import { describeError, type Log } from "../log.ts";
import type { Inbox } from "../model.ts";
import type { Reading } from "../providers/reading.ts";
import { adapterOf } from "../providers/registry.ts";
import { describeMapping } from "../registry/mappings.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import type { Db } from "../store/postgres/database.ts";
import {
  isAboutData,
  isAboutDatabase,
  isOverrun,
  isTimeout,
  repeatOnConflict,
} from "../store/postgres/database-errors.ts";
import {
  countReadAttempts,
  findNewestWebhookId,
  finishWebhooks,
  listReceivedWebhooks,
  lockAppWebhooks,
  lockMappingsWithWebhooks,
  type ReceivedWebhook,
  type WebhookOutcome,
} from "../store/received-webhooks.ts";
import type { MappingRow, Webhook } from "../store/schema.ts";
import { acceptHighlevel, type HighlevelContext, type HighlevelWebhook } from "./accept-highlevel.ts";
import { acceptInbound } from "./accept-inbound.ts";
import { type Caution, chooseWebhooks, maxDeathsAlone, newCaution } from "./choose-webhooks.ts";
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
/** While some are read alone. */
const few = { mappings: 20, rows: 20, bytes: 1_000_000 };

/**
 * What processes the oldest received webhooks of some mappings, or of the app, those of each in their order, in one
 * transaction; other processes take other mappings meanwhile. It gives `false` when there was nothing to do.
 *
 * What fails in a batch, through a mistake of ours or its own, is processed alone, and has failed when it fails alone
 * twice. What was received before this process started may be what ended the last one: that it is read is counted
 * before, and what the bridge has died over is read alone: when it dies twice more, it has failed. In the ordinary way
 * nothing is counted.
 */
export function createProcessing(context: ProcessContext): (inbox?: Inbox) => Promise<boolean> {
  const cautions = { mappings: newCaution(), app: newCaution() };
  return async (inbox = "mappings") => {
    const caution = cautions[inbox];
    caution.newestAtStart ??= await findNewestWebhookId(context.db);
    // Counted and processed in one go: a process that stops in between would look as if it had died.
    let result = await processSome(context, caution, inbox);
    while (result === "counted") result = await processSome(context, caution, inbox);
    return result === "processed";
  };
}

type Result = "counted" | "processed" | "nothing";

async function processSome(context: ProcessContext, caution: Caution, inbox: Inbox): Promise<Result> {
  const { db, log } = context;
  const started = performance.now();
  let chosen: Webhook[] = [];
  try {
    const { uncounted, outcomes } = await repeatOnConflict(() =>
      db.transaction(async (tx) => {
        chosen = [];
        const { mappings, received } = await lockReceived(tx, inbox, caution);
        const choice = chooseWebhooks(received, caution);
        if ("uncounted" in choice) {
          await countReadAttempts(tx, choice.uncounted);
          return { ...choice, outcomes: [] };
        }
        chosen = "fatal" in choice ? choice.fatal : choice.webhooks;
        const outcomes =
          "fatal" in choice
            ? choice.fatal.map((each) => giveUp(log, each))
            : await accept({ ...context, tx }, mappings, chosen);
        await finishWebhooks(tx, outcomes);
        return { uncounted: [], outcomes };
      }),
    );
    for (const id of uncounted) caution.counted.add(id);
    if (uncounted.length > 0) return "counted";
    finish({ log, caution }, chosen, outcomes, started);
    return outcomes.length > 0 ? "processed" : "nothing";
  } catch (error) {
    if (chosen.length === 0 || isAboutDatabase(error)) throw error;
    const outcomes = isolate({ log, caution }, chosen, error);
    await finishWebhooks(db, outcomes);
    finish({ log, caution }, chosen, outcomes, started);
    return "processed";
  }
}

/** Locks mappings, or the app's webhooks, until the transaction ends, and reads what they have received. */
async function lockReceived(
  tx: Db,
  inbox: Inbox,
  { failures }: Caution,
): Promise<{ mappings: MappingRow[]; received: ReceivedWebhook[] }> {
  const limits = failures.size > 0 ? few : batch;
  const mappings = inbox === "app" ? [] : await lockMappingsWithWebhooks(tx, limits.mappings);
  const isLocked = inbox === "app" ? await lockAppWebhooks(tx) : mappings.length > 0;
  if (!isLocked) return { mappings: [], received: [] };
  const mappingIds = inbox === "app" ? null : mappings.map(({ id }) => id);
  return { mappings, received: await listReceivedWebhooks(tx, mappingIds, limits) };
}

interface Notes {
  log: Log;
  caution: Caution;
}

/** What a failure of these webhooks, or of one of them, comes to: they are processed alone, or one has failed for good. */
function isolate({ log, caution }: Notes, webhooks: Webhook[], error: unknown): WebhookOutcome[] {
  const { failures } = caution;
  const [first, second] = webhooks;
  if (!first || second) {
    log("warn", "webhooks.isolated", { webhooks: webhooks.length, webhookId: first?.id, ...describeError(error) });
    for (const { id } of webhooks) failures.set(id, failures.get(id) ?? 0);
    return [];
  }
  const { id, mappingId } = first;
  const times = (failures.get(id) ?? 0) + 1;
  failures.set(id, times);
  log("error", "webhook.broke", { webhookId: id, mappingId, times, ...describeError(error) });
  if (times < maxFailures) return [];
  return [{ id, state: "failed", reason: `${describeFailure(error)}; its log has a line webhook.broke` }];
}

/** So often may a webhook fail alone. */
const maxFailures = 2;

function describeFailure(error: unknown): string {
  if (isAboutData(error)) return "PostgreSQL cannot store what it says";
  if (isTimeout(error) || isOverrun(error)) return "processing it takes longer than the database allows";
  return "the bridge itself failed over it";
}

function giveUp(log: Log, { id, mappingId }: Webhook): WebhookOutcome {
  log("error", "webhook.fatal", { webhookId: id, mappingId });
  const why = `the bridge died over it: its process ended ${maxDeathsAlone} times while it read this webhook alone`;
  const hint = `See how it ended (out of memory?), then POST /admin/webhooks/${id}/replay`;
  return { id, state: "failed", reason: `${why}. ${hint}` };
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
function finish({ log, caution }: Notes, processed: Webhook[], outcomes: WebhookOutcome[], started: number): void {
  const durationMs = Math.round(performance.now() - started);
  caution.turn++;
  const mappingIds = new Map(processed.map(({ id, mappingId }) => [id, mappingId]));
  for (const { id, state } of outcomes) {
    caution.counted.delete(id);
    caution.failures.delete(id);
    const fields = { webhookId: id, mappingId: mappingIds.get(id), state, durationMs };
    log(state === "failed" ? "error" : "info", "webhook.processed", fields);
  }
}
