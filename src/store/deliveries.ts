import { and, asc, desc, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../errors.ts";
import type { DeliveryKind, DeliveryState, MessageError, MessageState } from "../model.ts";
import { type Db, secondsFromNow, selectRows } from "./database.ts";
import { changeLease, extendLanes, type HeldLane, type LeaseChange, wakeLanes } from "./lanes.ts";
import { unlessTaken } from "./messages.ts";
import { type Attempt, attempts, conversations, type Delivery, deliveries, messages } from "./schema.ts";

export interface NewDelivery {
  conversationId: number;
  locationId: string;
  messageId: number;
  /** Not before then. */
  inSeconds?: number;
  /** A delivery that is dead from the start keeps its place in the line for its replay. */
  dead?: { reason: FailureReason; detail: string } | undefined;
}

/** Puts deliveries at the end of their lanes, in the order given. */
export async function enqueueDeliveries(tx: Db, kind: DeliveryKind, rows: NewDelivery[]): Promise<void> {
  if (rows.length === 0) return;
  const additions = new Map<number, Parameters<typeof extendLanes>[2][number]>();
  for (const { conversationId, locationId, inSeconds = 0 } of rows) {
    const addition = additions.get(conversationId) ?? { conversationId, locationId, count: 0, inSeconds };
    additions.set(conversationId, { ...addition, count: addition.count + 1 });
  }
  const nextNumbers = await extendLanes(tx, kind, [...additions.values()]);
  await tx.insert(deliveries).values(
    rows.map(({ conversationId, messageId, dead, inSeconds }) => {
      const number = nextNumbers.get(conversationId) ?? 0;
      nextNumbers.set(conversationId, number + 1);
      const fate = dead && { ...dead, state: "dead" as const, finishedAt: sql`now()` };
      return {
        kind,
        conversationId,
        messageId,
        number,
        retryAt: inSeconds ? secondsFromNow(inSeconds) : null,
        ...fate,
      };
    }),
  );
}

/** One try, as it ended. */
export interface AttemptRecord {
  startedAt: Date;
  durationMs: number;
  outcome: "delivered" | FailureReason;
  status: number | undefined;
  detail: string | undefined;
}

/** What becomes of the delivery: the fate that bridge/retry.ts decided. */
export type NextStep =
  | { state: "delivered"; message: MessageChange }
  | { state: "dead"; mayHaveHappened: boolean; message?: MessageChange | undefined }
  | { state: "pending"; mayHaveHappened: boolean; retryInSeconds: number; counts: boolean };

/** What an attempt makes known of its message. */
export interface MessageChange {
  highlevelMessageId?: string | undefined;
  highlevelEmailMessageId?: string | undefined;
  providerMessageId?: string | undefined;
  rfcMessageId?: string | undefined;
  reportedState?: MessageState | undefined;
  sendAnswer?: Record<string, unknown> | undefined;
  /** What a queued message becomes. One of which receipts have told more already stays as it is. */
  ifQueued?: { state: "sent" } | { state: "failed"; error: MessageError } | undefined;
}

/**
 * Keeps one attempt, what follows from it, and what becomes of the lease, all in one statement. `isHeld` is false when
 * the lease has passed to another worker: then stop. What was delivered is kept as delivered all the same, because it
 * is true. `isDue` says whether a lane that was given back is due again at once.
 *
 * The message is locked before the lane, as receipts do it: else the two would wait for each other.
 */
export async function recordAttempt(
  db: Db,
  lane: HeldLane,
  record: { deliveryId: number; messageId: number; attempt: AttemptRecord; next: NextStep; lease: LeaseChange },
): Promise<{ isHeld: boolean; isDue: boolean }> {
  const { deliveryId, messageId, attempt, next, lease } = record;
  const change = next.state === "pending" ? undefined : next.message;
  const isDelivered = next.state === "delivered";
  const isTrue = isDelivered ? sql`true` : sql`exists (select from lease)`;
  const isOpen = isDelivered ? sql`(state = 'pending' or reason = 'unconfirmed')` : sql`state = 'pending'`;
  const [recorded] = await selectRows<{ isDue: boolean | null }>(
    db,
    sql`
      with locked as materialized (
        select id from messages where id = ${messageId} and ${change !== undefined} for no key update
      ), lease as (${changeLease(lane, lease)}), changed as (
        update deliveries set ${fateColumns(next)},
          reason = ${attempt.outcome === "delivered" ? null : attempt.outcome}, detail = ${attempt.detail ?? null}
        where id = ${deliveryId} and ${isOpen} and ${isTrue}
      ), ${change ? changeMessage(messageId, change, isTrue) : sql``} noted as (
        insert into attempts (delivery_id, started_at, duration_ms, outcome, status, detail)
        values (${deliveryId}, ${attempt.startedAt.toISOString()}, ${attempt.durationMs}, ${attempt.outcome},
          ${attempt.status ?? null}, ${attempt.detail ?? null})
      )
      select (select count(*) from locked) as "locked", (select is_due from lease) as "isDue"`,
  );
  const isDue = recorded?.isDue ?? null;
  return { isHeld: isDue !== null, isDue: isDue === true };
}

function fateColumns(next: NextStep): SQL {
  const isOpen = next.state !== "delivered" && next.mayHaveHappened;
  const counted = sql`attempts = attempts + 1, first_attempted_at = coalesce(first_attempted_at, now())`;
  if (next.state !== "pending") {
    return sql`state = ${next.state}, finished_at = now(), retry_at = null, may_have_happened = ${isOpen}, ${counted}`;
  }
  const again = sql`retry_at = ${secondsFromNow(next.retryInSeconds)}, may_have_happened = ${isOpen}`;
  return next.counts ? sql`${again}, ${counted}` : again;
}

function changeMessage(messageId: number, change: MessageChange, isTrue: SQL): SQL {
  const { ifQueued, sendAnswer, providerMessageId } = change;
  const columns: [string, SQL | undefined][] = [
    ["highlevel_message_id", maybe(change.highlevelMessageId)],
    ["highlevel_email_message_id", maybe(change.highlevelEmailMessageId)],
    ["provider_message_id", providerMessageId === undefined ? undefined : unlessTaken(providerMessageId)],
    ["rfc_message_id", maybe(change.rfcMessageId)],
    ["reported_state", maybe(change.reportedState)],
    ["send_answer", sendAnswer && sql`${JSON.stringify(sendAnswer)}::jsonb`],
    ["state", ifQueued && sql`case when ${isUndecided(ifQueued)} then ${ifQueued.state} else state end`],
    ["error", ifQueued && sql`case when ${isUndecided(ifQueued)} then ${errorOf(ifQueued)} else error end`],
  ];
  const assignments = columns.flatMap(([name, value]) => (value ? sql`${sql.raw(name)} = ${value}` : []));
  if (assignments.length === 0) return sql``;
  return sql`kept as (
    update messages set ${sql.join(assignments, sql`, `)} where id = ${messageId} and ${isTrue}
  ),`;
}

const maybe = (value: string | undefined) => (value === undefined ? undefined : sql`${value}`);

type IfQueued = NonNullable<MessageChange["ifQueued"]>;
const errorOf = (end: IfQueued) =>
  end.state === "failed" ? sql`${JSON.stringify(end.error)}::jsonb` : sql`null::jsonb`;

/** What was taken for `unconfirmed`, by who had the lane after us, is known to be sent when the answer comes late. */
const isUndecided = ({ state }: IfQueued) =>
  state === "sent" ? sql`(state = 'queued' or error ->> 'code' = 'unconfirmed')` : sql`state = 'queued'`;

export interface DeliveryFilter {
  state?: DeliveryState | undefined;
  reason?: FailureReason | undefined;
  mappingId?: string | undefined;
  conversationId?: number | undefined;
  /** Only of these locations. */
  locationIds?: string[] | undefined;
}

/**
 * Lets dead deliveries that match be attempted again, at the head of their lines, with all their attempts. One whose
 * last attempt may have been carried out is still looked for before it is repeated, unless that has been done and nobody
 * could tell: then a person has decided. A message that had failed is queued again.
 */
export async function replayDeliveries(
  tx: Db,
  filter: Omit<DeliveryFilter, "state"> & { id?: number; limit: number },
): Promise<number> {
  const conditions = [eq(deliveries.state, "dead"), ...conditionsOf(filter)];
  if (filter.id !== undefined) conditions.push(eq(deliveries.id, filter.id));
  const chosen = tx
    .select({ id: deliveries.id })
    .from(deliveries)
    .innerJoin(messages, eq(messages.id, deliveries.messageId))
    .where(and(...conditions))
    .orderBy(asc(deliveries.id))
    .limit(filter.limit);
  const replayed = await tx
    .update(deliveries)
    .set({
      state: "pending",
      attempts: 0,
      firstAttemptedAt: null,
      retryAt: null,
      finishedAt: null,
      mayHaveHappened: sql`${deliveries.mayHaveHappened} and ${deliveries.reason} <> 'unconfirmed'`,
    })
    .where(and(inArray(deliveries.id, chosen), eq(deliveries.state, "dead")))
    .returning({
      conversationId: deliveries.conversationId,
      kind: deliveries.kind,
      messageId: deliveries.messageId,
    });
  const sends = replayed.filter(({ kind }) => kind === "send-outbound" || kind === "send-through-highlevel");
  if (sends.length > 0) {
    const ids = sends.map(({ messageId }) => messageId);
    const failed = and(inArray(messages.id, ids), eq(messages.state, "failed"));
    await tx.update(messages).set({ state: "queued", error: null, recipients: null }).where(failed);
  }
  await wakeLanes(tx, replayed);
  return replayed.length;
}

/** Newest first. */
export async function listDeliveries(
  db: Db,
  page: DeliveryFilter & { before?: number | undefined; limit: number },
): Promise<{ delivery: Delivery; mappingId: string | null }[]> {
  const conditions = conditionsOf(page);
  if (page.state !== undefined) conditions.push(eq(deliveries.state, page.state));
  if (page.before !== undefined) conditions.push(lt(deliveries.id, page.before));
  return db
    .select({ delivery: deliveries, mappingId: messages.mappingId })
    .from(deliveries)
    .innerJoin(messages, eq(messages.id, deliveries.messageId))
    .where(and(...conditions))
    .orderBy(desc(deliveries.id))
    .limit(page.limit);
}

function conditionsOf(filter: DeliveryFilter): SQL[] {
  const conditions: SQL[] = [];
  if (filter.reason !== undefined) conditions.push(eq(deliveries.reason, filter.reason));
  if (filter.mappingId !== undefined) conditions.push(eq(messages.mappingId, filter.mappingId));
  if (filter.conversationId !== undefined) conditions.push(eq(deliveries.conversationId, filter.conversationId));
  if (filter.locationIds !== undefined) conditions.push(isOfLocations(filter.locationIds));
  return conditions;
}

const isOfLocations = (locationIds: string[]) =>
  sql`${deliveries.conversationId} in (select id from conversations where ${inArray(conversations.locationId, locationIds)})`;

/** With `locationIds` only if it is of one of these. */
export async function findDelivery(
  db: Db,
  id: number,
  { locationIds }: Pick<DeliveryFilter, "locationIds"> = {},
): Promise<Delivery | undefined> {
  const [delivery] = await db
    .select()
    .from(deliveries)
    .where(and(eq(deliveries.id, id), locationIds && isOfLocations(locationIds)));
  return delivery;
}

/** The deliveries of a message with all their attempts, oldest first. */
export async function listDeliveriesOfMessage(
  db: Db,
  messageId: number,
): Promise<{ delivery: Delivery; attempts: Attempt[] }[]> {
  const found = await db.select().from(deliveries).where(eq(deliveries.messageId, messageId)).orderBy(deliveries.id);
  const ids = found.map((delivery) => delivery.id);
  const tries = await db.select().from(attempts).where(inArray(attempts.deliveryId, ids)).orderBy(attempts.id);
  return found.map((delivery) => ({
    delivery,
    attempts: tries.filter((attempt) => attempt.deliveryId === delivery.id),
  }));
}

/** How long the oldest pending delivery has waited, in seconds; undefined when none waits. */
export async function oldestWaitingSeconds(db: Db): Promise<number | undefined> {
  const [oldest] = await selectRows<{ seconds: number | null }>(
    db,
    sql`select extract(epoch from now() - min(created_at))::float8 as seconds from deliveries where state = 'pending'`,
  );
  return oldest?.seconds ?? undefined;
}
