import { and, eq, inArray, ne, type Placeholder, type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../errors.ts";
import type { DeliveryKind, DeliveryState } from "../model.ts";
import { eventsLast, isTo, type LeasedLane } from "./lanes/held-lane.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import { type Db, selectRows } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import { finishing, finishWebhooks, type WebhookOutcome } from "./received-webhooks.ts";
import {
  type Attempt,
  attempts,
  conversations,
  type Delivery,
  type DeliveryEvent,
  deliveries,
  isEvent,
  noMapping,
} from "./schema.ts";
import { isLetOut, isMappingPaused } from "./trouble/holds.ts";
import { isLocationReady } from "./trouble/paused-locations.ts";

export interface NewDelivery {
  kind: DeliveryKind;
  conversationId: number;
  locationId: string;
  /** Undefined for an event that is not about one. */
  messageId: number | undefined;
  /** Of a `post-event`, whose conversation is the endpoint's. */
  event?: DeliveryEvent;
  /** Of a `fetch-mail`. */
  webhookId?: number;
  /** Of a `post-history`. */
  importId?: number;
  /** Not before then. */
  inSeconds?: number;
  /** A delivery that is dead from the start keeps its place in the line for its replay. */
  dead?: { reason: FailureReason; detail: string } | undefined;
}

/** Places that a worker of this process has free: so many idle lanes may be leased for it as they become due. */
export interface Offer {
  places: number;
  leaseToken: string;
  leaseSeconds: number;
}

/** What became of the lanes: those leased for the offer, and whether others are due, which are to be claimed. */
export interface Enqueued {
  leased: LeasedLane[];
  isMoreDue: boolean;
}

/**
 * Puts deliveries at the end of their lanes, in the order given, and makes lanes where there are none; all in one
 * statement. A lane's counter grows by what is added to it. An idle lane becomes due; one that is held, or whose head
 * waits for its next attempt, keeps its time. Whoever owes several kinds gives them together, and has locked the messages
 * that it changes before: then no two transactions wait for each other's lanes. Those of events, which many conversations
 * have in common, are locked last.
 *
 * With an offer, idle lanes that a claim would take are leased at once: whoever offered reads their heads after the commit.
 * Their leases begin now, and not with the transaction. When the process dies before that, they end as any others.
 *
 * Whoever owes them for webhooks that are `finished` by it finishes them along.
 */
export async function enqueueDeliveries(
  tx: Db,
  rows: NewDelivery[],
  { offer, finished = [] }: { offer?: Offer | undefined; finished?: WebhookOutcome[] } = {},
): Promise<Enqueued> {
  if (rows.length === 0) {
    await finishWebhooks(tx, finished);
    return { leased: [], isMoreDue: false };
  }
  const input = rows.map(
    ({ conversationId, locationId, messageId, webhookId, importId, inSeconds = 0, dead, ...row }, number) => ({
      ...{ number, ...row, ...dead, import_id: importId },
      ...{ conversation_id: conversationId, location_id: locationId, message_id: messageId, webhook_id: webhookId },
      in_seconds: inSeconds,
    }),
  );
  const { places = 0, leaseToken = null, leaseSeconds = 0 } = offer ?? {};
  const values = { input: JSON.stringify(input), places, leaseToken, leaseSeconds };
  const lanes =
    finished.length === 0
      ? await enqueue(tx, values)
      : await enqueueAndFinish(tx, { ...values, outcomes: JSON.stringify(finished) });
  return { leased: lanes.filter(({ isLeased }) => isLeased), isMoreDue: lanes.some(({ isDue }) => isDue) };
}

interface EnqueueValues {
  input: string;
  places: number;
  leaseToken: string | null;
  leaseSeconds: number;
}
type EnqueuedLane = LeasedLane & { isLeased: boolean; isDue: boolean };

const enqueue = prepare<EnqueueValues, EnqueuedLane>("enqueue-deliveries", (value) => enqueueing(value));

const enqueueAndFinish = prepare<EnqueueValues & { outcomes: string }, EnqueuedLane>("enqueue-and-finish", (value) =>
  enqueueing(value, sql`finished as (${finishing(value("outcomes"))}), `),
);

const enqueueing = (value: (name: keyof EnqueueValues) => Placeholder, beside = sql``) => sql`
    with ${beside}input as materialized (
      select * from json_to_recordset(${value("input")}::json) as input (
        number int, kind text, conversation_id bigint, location_id text, message_id bigint, event jsonb,
        webhook_id bigint, import_id bigint, in_seconds float8, reason text, detail text
      )
    ), lengthened as materialized (
      select conversation_id, kind, min(location_id) as location_id,
        coalesce((select mapping_id from conversations where id = conversation_id), ${noMapping}) as mapping_id,
        count(*) as count, min(in_seconds) as in_seconds, bool_and(reason is null and in_seconds = 0) as is_ready
      from input group by conversation_id, kind
    ), taken as materialized (
      select conversation_id, kind, ${value("leaseToken")}::uuid as token
      from lengthened lane join locations on locations.id = location_id
      where ${value("places")}::int > 0 and is_ready and kind not in ('post-event', 'post-history')
        and (${isTo.provider(sql`kind`)} or ${isLocationReady}) and ${isLetOut(sql`kind`)}
        and not ${isMappingPaused(sql`lane.mapping_id`)}
      limit ${value("places")}::int
    ), extended as (
      insert into lanes (conversation_id, kind, location_id, mapping_id, counter, due_at, lease_token, claimed_from)
      select conversation_id, kind, location_id, mapping_id, count,
        case when token is null then now() + make_interval(secs => in_seconds)
          else clock_timestamp() + make_interval(secs => ${value("leaseSeconds")}::float8) end,
        token, case when token is not null then 1 end
      from lengthened left join taken using (conversation_id, kind)
      order by ${eventsLast}, conversation_id, kind
      on conflict (conversation_id, kind) do update
      set mapping_id = excluded.mapping_id, counter = lanes.counter + excluded.counter,
        due_at = coalesce(lanes.due_at, excluded.due_at),
        lease_token = case when lanes.due_at is null then excluded.lease_token else lanes.lease_token end,
        claimed_from = case
          when lanes.due_at is null and excluded.lease_token is not null then lanes.counter + 1 else lanes.claimed_from end
      returning *
    ), made as (
      insert into deliveries (kind, conversation_id, number, message_id, event, webhook_id, import_id, state, reason, detail,
        retry_at, finished_at, died_in, died_on)
      select kind, conversation_id,
        counter - count(*) over (partition by conversation_id, kind)
          + row_number() over (partition by conversation_id, kind order by number),
        message_id, event, webhook_id, import_id, case when reason is null then 'pending' else 'dead' end, reason, detail,
        case when in_seconds > 0 then now() + make_interval(secs => in_seconds) end,
        case when reason is not null then now() end, case when reason is not null then extended.location_id end,
        case when reason is not null then nullif(extended.mapping_id, ${noMapping}) end
      from input join extended using (conversation_id, kind)
      order by number
    )
    select conversation_id as "conversationId", kind, location_id as "locationId", mapping_id as "mappingId", counter,
      claimed_from as "claimedFrom", coalesce(lease_token = ${value("leaseToken")}::uuid, false) as "isLeased",
      due_at <= clock_timestamp() as "isDue"
    from extended`;

/** Events are of whom their endpoint is of: what an endpoint for all locations is told is of nobody with some of them. */
export const isOfLocations = (locationIds: string[]) =>
  sql`${deliveries.conversationId} in (select id from conversations where ${isAnyOf(conversations.locationId, locationIds)})
    and (${deliveries.kind} <> 'post-event' or exists (select from conversations line
      join endpoints on endpoints.id::text = line.address
        and endpoints.location_ids <@ ${sql.param(locationIds)}::text[]
      where line.id = ${deliveries.conversationId}))`;

/** With `locationIds` only if it is of one of these. */
export async function findDelivery(
  db: Db,
  id: number,
  { locationIds }: { locationIds?: string[] | undefined } = {},
): Promise<Delivery | undefined> {
  const [delivery] = await db
    .select()
    .from(deliveries)
    .where(and(eq(deliveries.id, id), locationIds && isOfLocations(locationIds)));
  return delivery;
}

/** Which endpoint is told, of a delivery with its conversation. */
export const toldEndpoint = sql<
  string | null
>`case when ${deliveries.kind} = 'post-event' then ${conversations.address} end`;

/** The deliveries of a message with all their attempts, oldest first. */
export async function listDeliveriesOfMessage(
  db: Db,
  messageId: number,
): Promise<{ delivery: Delivery; endpointId: string | null; attempts: AttemptFacts[] }[]> {
  const found = await db
    .select({ delivery: deliveries, endpointId: toldEndpoint })
    .from(deliveries)
    .innerJoin(conversations, eq(conversations.id, deliveries.conversationId))
    .where(eq(deliveries.messageId, messageId))
    .orderBy(deliveries.id);
  const ids = found.map(({ delivery }) => delivery.id);
  const tries = await db.select().from(attempts).where(isAnyOf(attempts.deliveryId, ids)).orderBy(attempts.id);
  return found.map(({ delivery, endpointId }) => ({
    delivery,
    endpointId,
    attempts: [
      ...tries
        .filter((attempt) => attempt.deliveryId === delivery.id)
        .map(({ id: _id, deliveryId: _deliveryId, ...attempt }) => attempt),
      ...deliveringAttempt(delivery),
    ],
  }));
}

/** Which delivery stood before each of a message's in its lane, of those of the last messages. */
export async function listTurns(db: Db, messageId: number): Promise<Turn[]> {
  const rows = await selectRows<Omit<Turn, "finishedAt"> & { finishedAt: string | null }>(
    db,
    sql`
      select d.id::float8 as "deliveryId", before.message_id::float8 as "messageId", before.state, before.finished_at as "finishedAt"
      from deliveries d cross join lateral (
        select p.message_id, p.state, p.finished_at from (
          select id from messages where conversation_id = d.conversation_id and id < d.message_id order by id desc limit 20
        ) near
        join deliveries p on p.message_id = near.id and p.kind = d.kind and p.conversation_id = d.conversation_id
        where p.number < d.number order by p.number desc limit 1
      ) before
      where d.message_id = ${messageId}`,
  );
  return rows.map(({ finishedAt, ...turn }) => ({
    ...turn,
    finishedAt: finishedAt === null ? null : new Date(finishedAt),
  }));
}
export interface Turn {
  deliveryId: number;
  messageId: number;
  state: DeliveryState;
  finishedAt: Date | null;
}

/** Of each of these messages what of it is not done, if anything is: what was given up before what waits. */
export async function findOpenDeliveries(db: Db, messageIds: number[]) {
  const { messageId, kind, state, reason, attempts, retryAt } = deliveries;
  const found = await db
    .selectDistinctOn([messageId], { messageId, kind, state, reason, attempts, retryAt })
    .from(deliveries)
    .where(and(isAnyOf(messageId, messageIds), inArray(state, ["dead", "pending"]), ne(kind, "post-event")))
    .orderBy(messageId, state, deliveries.id);
  return new Map(found.map(({ messageId, ...open }) => [messageId, open]));
}

/** Is one of this kind, of the conversation or of the message, in one of these states? */
export async function isThere(
  db: Db,
  kind: DeliveryKind,
  { states, ...of }: { states: DeliveryState[] } & ({ conversationId: number } | { messageId: number }),
): Promise<boolean> {
  const isTheirs =
    "messageId" in of ? eq(deliveries.messageId, of.messageId) : eq(deliveries.conversationId, of.conversationId);
  const [found] = await db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(and(isTheirs, eq(deliveries.kind, kind), inArray(deliveries.state, states)))
    .limit(1);
  return found !== undefined;
}

/** The process that held it has died, or overran its lease. */
export async function noteInterruption(db: Db, id: number): Promise<void> {
  await db.update(deliveries).set({ interruptedAt: sql`now()` }).where(eq(deliveries.id, id));
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

/** How long the longest of the oldest pending deliveries has waited, in seconds; undefined when none waits. Of events it says nothing. */
export async function oldestWaitingSeconds(db: Db): Promise<number | undefined> {
  const [oldest] = await selectRows<{ seconds: number | null }>(
    db,
    sql`
      select extract(epoch from now() - min(since))::float8 as seconds from (
        select coalesce(replayed_at, created_at) as since
        from deliveries where state = 'pending' and ${isEvent(deliveries.kind)} = 0 order by id limit 1000
      ) oldest`,
  );
  return oldest?.seconds ?? undefined;
}

/** How many of these are how. */
export async function countStates(db: Db, isCounted: SQL | undefined): Promise<Partial<Record<DeliveryState, number>>> {
  const found = await db
    .select({ state: deliveries.state, count: sql<number>`count(*)::int` })
    .from(deliveries)
    .where(isCounted)
    .groupBy(deliveries.state);
  return Object.fromEntries(found.map(({ state, count }) => [state, count]));
}
