import { oweEvents } from "../events/owe-events.ts";
import type { Log } from "../log.ts";
import type { Inbox } from "../model.ts";
import type { During } from "../observe/stalls.ts";
import type { Reading } from "../providers/reading.ts";
import { adapterOf } from "../providers/registry.ts";
import { describeAccount } from "../registry/accounts.ts";
import type { Listeners } from "../registry/endpoints/listeners.ts";
import { learnIfUnknown } from "../registry/learn-providers.ts";
import { type Enqueued, enqueueDeliveries, type Offer } from "../store/deliveries.ts";
import type { Db } from "../store/postgres/database.ts";
import { isAboutDatabase, repeatOnConflict } from "../store/postgres/database-errors.ts";
import { keepTransaction } from "../store/postgres/keep-transaction.ts";
import {
  countReadAttempts,
  findNewestWebhookId,
  finishWebhooks,
  forgetReadAttempts,
  type LockedAccount,
  listReceivedWebhooks,
  lockAccountsWithWebhooks,
  lockAppWebhooks,
  type WebhookOutcome,
} from "../store/received-webhooks.ts";
import type { Webhook } from "../store/schema.ts";
import { acceptHighlevel, type HighlevelContext } from "./accept-highlevel.ts";
import { acceptInbound } from "./accept-inbound.ts";
import { type Caution, chooseWebhooks, newCaution } from "./choose-webhooks.ts";
import { giveUp, isolate } from "./isolate-webhooks.ts";
import type { Acceptance, AcceptedWebhook, AccountWebhook } from "./read-webhook.ts";

export interface ProcessContext {
  db: Db;
  /** Other connections, for what must be committed while a transaction goes on. Undefined where there is only one. */
  apart?: Db | undefined;
  log: Log;
  during?: During | undefined;
  reading: Reading;
  listeners: Listeners;
  applyInstall: HighlevelContext["applyInstall"];
  /** When HighLevel's status calls begin to know a message that it had us send. */
  visibleAfterSeconds: number;
}

const batch = { accounts: 20, rows: 200, bytes: 20_000_000 };
/** While some are read alone. */
const few = { accounts: 20, rows: 20, bytes: 1_000_000 };

/**
 * What processes the oldest received webhooks of some accounts, or of the app, those of each in their order, in one
 * transaction; other processes take other accounts meanwhile. It gives nothing when there was nothing to do.
 *
 * What fails in a batch, through a mistake of ours or its own, is processed alone, and has failed when it fails alone
 * twice. What was received before this process started may be what ended the last one: that it is read is counted
 * before, and what the bridge has died over is read alone: when it dies twice more, it has failed. In the ordinary way
 * nothing is counted.
 */
export function createProcessing(
  context: ProcessContext,
): (inbox?: Inbox, offer?: Offer) => Promise<Processed | undefined> {
  const cautions = { accounts: newCaution(), app: newCaution() };
  return async (inbox = "accounts", offer = undefined) => {
    const caution = cautions[inbox];
    caution.newestAtStart ??= await findNewestWebhookId(context.db);
    // Of the embedded database there is one connection, and one process: it counts first, and processes then.
    const offering = { ...context, offer };
    let result = await processSome(offering, caution, inbox);
    while (result === "counted") result = await processSome(offering, caution, inbox);
    return result;
  };
}

/**
 * Lanes that were leased for an offer, by a statement after `leasedAtMs`; whether others are due; and whether more may have
 * been received than was taken, beside what has come since.
 */
export type Processed = Enqueued & { leasedAtMs: number; isMoreReceived: boolean };
type Offering = ProcessContext & { offer: Offer | undefined };

async function processSome(
  context: Offering,
  caution: Caution,
  inbox: Inbox,
): Promise<Processed | "counted" | undefined> {
  const { db, log } = context;
  const started = performance.now();
  let chosen: Webhook[] = [];
  try {
    const attempt = (tx: Db) =>
      takeSome({ ...context, tx }, caution, inbox, (webhooks) => {
        chosen = webhooks;
      });
    // Whoever fails over webhooks and lives takes their count back at once, also where it tries again.
    const taken = await repeatOnConflict(() =>
      db.transaction(attempt).catch(async (error: unknown) => {
        await uncount(db, caution, chosen);
        throw error;
      }),
    );
    if (!taken) return "counted";
    finish({ log, caution }, chosen, taken.outcomes, started);
    return taken.outcomes.length > 0 ? taken.made : undefined;
  } catch (error) {
    if (chosen.length === 0 || isAboutDatabase(error)) throw error;
    const outcomes = isolate(log, caution, chosen, error);
    await finishWebhooks(db, outcomes);
    finish({ log, caution }, chosen, outcomes, started);
    return { ...nothingMade, isMoreReceived: true };
  }
}

/** Gives what became of the webhooks that are first, or undefined where they were only counted. */
async function takeSome(
  context: Offering & { tx: Db },
  caution: Caution,
  inbox: Inbox,
  onChosen: (webhooks: Webhook[]) => void,
): Promise<Taken<Processed> | undefined> {
  const { tx, log } = context;
  onChosen([]);
  const { accounts, received, isMoreReceived } = await lockReceived(tx, inbox, caution);
  const choice = chooseWebhooks(received, caution);
  if ("fatal" in choice) {
    const outcomes = choice.fatal.map((each) => giveUp(log, each));
    await finishWebhooks(tx, outcomes);
    return { outcomes, made: { ...nothingMade, isMoreReceived: true } };
  }
  onChosen(choice.webhooks);
  if (!(await count(context, tx, caution, choice.uncounted))) return undefined;
  const taken = await keepTransaction(tx, () => acceptTogether(context, accounts, choice.webhooks));
  const isMore = isMoreReceived || choice.webhooks.length < received.length;
  return { outcomes: taken.outcomes, made: { ...taken.made, isMoreReceived: isMore } };
}

type Made = Omit<Processed, "isMoreReceived">;
interface Taken<Of = Made> {
  outcomes: AcceptedWebhook[];
  made: Of;
}
const nothingMade: Made = { leased: [], isMoreDue: false, leasedAtMs: 0 };

/**
 * Counts, for all to see, that this process reads them, while it has their lock: what others find counted and not locked is
 * nobody's any more. `false` where that takes the end of the transaction.
 */
async function count({ apart }: ProcessContext, tx: Db, { counted }: Caution, ids: number[]): Promise<boolean> {
  if (ids.length === 0) return true;
  await countReadAttempts(apart ?? tx, ids);
  for (const id of ids) counted.add(id);
  return apart !== undefined;
}

/** This process has not died over them. Where the database is away they stay counted, which this one knows. */
async function uncount(db: Db, { counted }: Caution, webhooks: Webhook[]): Promise<void> {
  const ids = webhooks.map(({ id }) => id).filter((id) => counted.has(id));
  if (ids.length === 0) return;
  const isDone = await forgetReadAttempts(db, ids).then(
    () => true,
    () => false,
  );
  if (isDone) for (const id of ids) counted.delete(id);
}

/** Locks accounts, or the app's webhooks, until the transaction ends, and reads what they have received. */
async function lockReceived(
  tx: Db,
  inbox: Inbox,
  { failures }: Caution,
): Promise<{ accounts: LockedAccount[]; received: Webhook[]; isMoreReceived: boolean }> {
  const limits = failures.size > 0 ? few : batch;
  const accounts = inbox === "app" ? [] : await lockAccountsWithWebhooks(tx, limits.accounts);
  const isLocked = inbox === "app" ? await lockAppWebhooks(tx) : accounts.length > 0;
  if (!isLocked) return { accounts: [], received: [], isMoreReceived: false };
  const accountIds = inbox === "app" ? null : accounts.map(({ id }) => id);
  const { webhooks: received, isCut } = await listReceivedWebhooks(tx, accountIds, limits);
  return { accounts, received, isMoreReceived: isCut || accounts.length === limits.accounts };
}

interface Notes {
  log: Log;
  caution: Caution;
}

function acceptTogether(context: AcceptContext, rows: LockedAccount[], chosen: Webhook[]): Promise<Taken> {
  const run = () => accept(context, rows, chosen);
  const [first, last] = [chosen[0], chosen.at(-1)];
  if (!first || !last) return run();
  return context.during?.({ what: "webhooks", id: `${first.id} to ${last.id}` }, run) ?? run();
}

type AcceptContext = HighlevelContext & Pick<Offering, "reading" | "listeners" | "offer">;

/** Takes in a batch, whoever posted it. What it makes us owe is enqueued, and the batch finished, by one statement. */
async function accept(context: AcceptContext, rows: LockedAccount[], received: Webhook[]): Promise<Taken> {
  for (const { provider } of rows) await learnIfUnknown(context.tx, provider);
  const accounts = new Map(
    rows
      .filter(({ provider }) => adapterOf(provider))
      .map((row) => [row.id, { ...describeAccount(row), soleAddress: row.soleAddress }]),
  );
  const unreadable: WebhookOutcome[] = [];
  const fromProviders: AccountWebhook[] = [];
  const fromHighlevel: Webhook[] = [];
  for (const webhook of received) {
    const { id, accountId, source } = webhook;
    const account = accounts.get(accountId ?? "");
    if (source === "highlevel") fromHighlevel.push(webhook);
    else if (account) fromProviders.push({ account, webhook });
    else {
      const provider = rows.find((row) => row.id === accountId)?.provider;
      unreadable.push({ id, state: "failed", reason: `no adapter for ${provider}` });
    }
  }
  const inbound = fromProviders.length > 0 ? await acceptInbound(context, fromProviders) : nothing;
  const outbound = fromHighlevel.length > 0 ? await acceptHighlevel(context, fromHighlevel) : nothing;
  const told = await oweEvents(context.tx, context.listeners, [...inbound.happened, ...outbound.happened]);
  const outcomes = [...unreadable, ...inbound.outcomes, ...outbound.outcomes];
  const owed = [...inbound.owed, ...outbound.owed, ...told];
  const leasedAtMs = performance.now();
  const enqueued = await enqueueDeliveries(context.tx, owed, { offer: context.offer, finished: outcomes });
  return { outcomes, made: { ...enqueued, leasedAtMs } };
}

const nothing: Acceptance = { outcomes: [], owed: [], happened: [] };

/** `durationMs` is that of all that were processed together. */
function finish({ log, caution }: Notes, processed: Webhook[], outcomes: AcceptedWebhook[], started: number): void {
  const durationMs = Math.round(performance.now() - started);
  caution.turn++;
  const accountIds = new Map(processed.map(({ id, accountId }) => [id, accountId]));
  for (const { id, state, held, kept, receipts } of outcomes) {
    caution.counted.delete(id);
    caution.failures.delete(id);
    const fields = { webhookId: id, accountId: accountIds.get(id), state, held, kept, receipts, durationMs };
    log(state === "failed" ? "error" : "info", "webhook.processed", fields);
  }
}
