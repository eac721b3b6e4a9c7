import { and, asc, desc, eq, gt, inArray, lte, type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../errors.ts";
import type { DeliveryKind, DeliveryState } from "../model.ts";
import { wakeLanes } from "./lanes/wake-lanes.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import { type Db, selectRows } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import { listNewest, type Page, rowsOfEach } from "./postgres/walk-newest.ts";
import { type Attempt, attempts, conversations, type Delivery, deliveries, messages, noMapping } from "./schema.ts";

export interface NewDelivery {
  kind: DeliveryKind;
  conversationId: number;
  locationId: string;
  messageId: number;
  /** Not before then. */
  inSeconds?: number;
  /** A delivery that is dead from the start keeps its place in the line for its replay. */
  dead?: { reason: FailureReason; detail: string } | undefined;
}

/**
 * Puts deliveries at the end of their lanes, in the order given, and makes lanes where there are none; all in one
 * statement. A lane's counter grows by what is added to it. An idle lane becomes due; one that is held, or whose head
 * waits for its next attempt, keeps its time. Whoever owes several kinds gives them together, and has locked the messages
 * that it changes before: then no two transactions wait for each other's lanes.
 */
export async function enqueueDeliveries(tx: Db, rows: NewDelivery[]): Promise<void> {
  if (rows.length === 0) return;
  const input = rows.map(({ kind, conversationId, locationId, messageId, inSeconds = 0, dead }, number) => ({
    number,
    kind,
    conversation_id: conversationId,
    location_id: locationId,
    message_id: messageId,
    in_seconds: inSeconds,
    ...dead,
  }));
  await enqueue(tx, { input: JSON.stringify(input) });
}

const enqueue = prepare<{ input: string }>(
  "enqueue-deliveries",
  (value) => sql`
    with input as materialized (
      select * from json_to_recordset(${value("input")}::json) as input (
        number int, kind text, conversation_id bigint, location_id text, message_id bigint, in_seconds float8,
        reason text, detail text
      )
    ), extended as (
      insert into lanes (conversation_id, kind, location_id, mapping_id, counter, due_at)
      select conversation_id, kind, min(location_id),
        coalesce((select mapping_id from conversations where id = conversation_id), ${noMapping}),
        count(*), now() + make_interval(secs => min(in_seconds))
      from input group by conversation_id, kind order by conversation_id, kind
      on conflict (conversation_id, kind) do update
      set mapping_id = excluded.mapping_id, counter = lanes.counter + excluded.counter, due_at = coalesce(lanes.due_at, excluded.due_at)
      returning conversation_id, kind, counter
    )
    insert into deliveries (kind, conversation_id, number, message_id, state, reason, detail, retry_at, finished_at)
    select kind, conversation_id,
      counter - count(*) over (partition by conversation_id, kind)
        + row_number() over (partition by conversation_id, kind order by number),
      message_id, case when reason is null then 'pending' else 'dead' end, reason, detail,
      case when in_seconds > 0 then now() + make_interval(secs => in_seconds) end,
      case when reason is not null then now() end
    from input join extended using (conversation_id, kind)
    order by number`,
);

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
 *
 * The oldest ones first. Of all there are it looks at no more than some thousands, however few fit: then `walkedTo` says
 * after which one to go on, as it does where the limit was reached.
 */
export async function replayDeliveries(
  tx: Db,
  filter: Omit<DeliveryFilter, "state"> & { id?: number; after?: number | undefined; limit: number },
): Promise<{ replayed: number; walkedTo: number | undefined }> {
  const conditions = [eq(deliveries.state, "dead"), ...conditionsOf(filter)];
  if (filter.id !== undefined) conditions.push(eq(deliveries.id, filter.id));
  if (filter.after !== undefined) conditions.push(gt(deliveries.id, filter.after));
  const end = await findReplayEnd(tx, filter);
  if (end !== undefined) conditions.push(lte(deliveries.id, end));
  const chosen = tx
    .select({ id: deliveries.id })
    .from(deliveries)
    .innerJoin(messages, eq(messages.id, deliveries.messageId))
    .where(and(...conditions))
    .orderBy(asc(deliveries.id))
    .limit(filter.limit)
    // In the order of their ids, so that two replays do not wait for each other.
    .for("update", { of: deliveries });
  const replayed = await tx
    .update(deliveries)
    .set({
      state: "pending",
      attempts: 0,
      firstAttemptedAt: null,
      // Due at once, and waiting since now.
      retryAt: sql`now()`,
      finishedAt: null,
      isOutcomeUnknown: sql`${deliveries.isOutcomeUnknown} and ${deliveries.reason} <> 'unconfirmed'`,
    })
    .where(and(inArray(deliveries.id, chosen), eq(deliveries.state, "dead")))
    .returning({
      id: deliveries.id,
      conversationId: deliveries.conversationId,
      kind: deliveries.kind,
      messageId: deliveries.messageId,
    });
  const sends = replayed.filter(({ kind }) => kind === "send-outbound" || kind === "send-through-highlevel");
  if (sends.length > 0) {
    const ids = sends.map(({ messageId }) => messageId);
    const failed = and(isAnyOf(messages.id, ids), eq(messages.state, "failed"));
    await tx.update(messages).set({ state: "queued", error: null, recipients: null }).where(failed);
  }
  await wakeLanes(tx, replayed);
  const last = replayed.length === filter.limit ? Math.max(...replayed.map(({ id }) => id)) : end;
  return { replayed: replayed.length, walkedTo: last };
}

/** Up to which one it looks; undefined where that is to the end, or where an index finds those that are meant. */
async function findReplayEnd(
  tx: Db,
  { id, conversationId, reason, mappingId, locationIds, after, limit }: Parameters<typeof replayDeliveries>[1],
): Promise<number | undefined> {
  if (id !== undefined || conversationId !== undefined) return undefined;
  const isFiltered = reason !== undefined || mappingId !== undefined || locationIds !== undefined;
  const [last] = await tx
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(and(eq(deliveries.state, "dead"), after === undefined ? undefined : gt(deliveries.id, after)))
    .orderBy(asc(deliveries.id))
    .offset(rowsOfEach(1, limit, isFiltered) - 1)
    .limit(1);
  return last?.id;
}

/**
 * Newest first: all, or the dead or the pending ones, which have indexes of their own. Of those it looks at no more than
 * some thousands, however few fit: then `walkedTo` says where to go on.
 */
export async function listDeliveries(
  db: Db,
  page: DeliveryFilter & { before?: number | undefined; limit: number },
): Promise<Page<{ delivery: Delivery; mappingId: string | null }>> {
  const { state, limit } = page;
  const conditions = conditionsOf(page);
  if (state !== undefined) conditions.push(eq(deliveries.state, state));
  const isInIndex = state === "dead" || state === "pending";
  const isFiltered = conditions.length > (isInIndex ? 1 : 0);
  const condition = isInIndex ? eq(deliveries.state, state) : undefined;
  const walk = { table: deliveries, condition, rows: rowsOfEach(1, limit, isFiltered) };
  return listNewest(db, [walk], page, (tx, ids) =>
    tx
      .select({ delivery: deliveries, mappingId: messages.mappingId })
      .from(deliveries)
      .innerJoin(messages, eq(messages.id, deliveries.messageId))
      .where(and(sql`${deliveries.id} = any(array(${ids}))`, ...conditions))
      .orderBy(desc(deliveries.id))
      .limit(limit),
  );
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
  sql`${deliveries.conversationId} in (select id from conversations where ${isAnyOf(conversations.locationId, locationIds)})`;

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
): Promise<{ delivery: Delivery; attempts: AttemptFacts[] }[]> {
  const found = await db.select().from(deliveries).where(eq(deliveries.messageId, messageId)).orderBy(deliveries.id);
  const ids = found.map((delivery) => delivery.id);
  const tries = await db.select().from(attempts).where(isAnyOf(attempts.deliveryId, ids)).orderBy(attempts.id);
  return found.map((delivery) => ({
    delivery,
    attempts: [
      ...tries
        .filter((attempt) => attempt.deliveryId === delivery.id)
        .map(({ id: _id, deliveryId: _deliveryId, ...attempt }) => attempt),
      ...deliveringAttempt(delivery),
    ],
  }));
}

export type AttemptFacts = Omit<Attempt, "id" | "deliveryId">;

/** None where it is told in `attempts`, as versions before 0.3 did. */
function deliveringAttempt({ state, finishedAt, durationMs, status, detail }: Delivery): AttemptFacts[] {
  if (state !== "delivered" || finishedAt === null || durationMs === null) return [];
  const startedAt = new Date(finishedAt.getTime() - durationMs);
  return [{ startedAt, durationMs, outcome: "delivered", status, detail }];
}

/** Is more than one report of this message pending? Then the last of them will tell all. */
export async function hasLaterReport(db: Db, messageId: number): Promise<boolean> {
  const isPending = and(eq(deliveries.messageId, messageId), eq(deliveries.state, "pending"));
  const pending = await db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(and(isPending, eq(deliveries.kind, "report-status")))
    .limit(2);
  return pending.length > 1;
}

/** How long the oldest pending delivery has waited, in seconds; undefined when none waits. */
export async function oldestWaitingSeconds(db: Db): Promise<number | undefined> {
  const [oldest] = await selectRows<{ seconds: number | null }>(
    db,
    sql`
      select extract(epoch from now() - created_at)::float8 as seconds
      from deliveries where state = 'pending' order by id limit 1`,
  );
  return oldest?.seconds ?? undefined;
}
