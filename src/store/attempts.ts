import { sql } from "drizzle-orm";
import type { AttemptRecord, RecordResult } from "./attempt-record.ts";
import type { LeaseChange } from "./lanes/give-lane-back.ts";
import { eventsLast } from "./lanes/held-lane.ts";
import type { Db } from "./postgres/database.ts";
import { repeatOnConflict } from "./postgres/database-errors.ts";
import { prepare } from "./postgres/prepare.ts";
import { createSharedInsert } from "./postgres/shared-insert.ts";
import { heldFor } from "./windows/held-back.ts";

export type Recorder = (record: AttemptRecord) => Promise<RecordResult>;

/** Attempts that end while others are being recorded go together in the next statement. */
export function createRecorder(db: Db): Recorder {
  return createSharedInsert<AttemptRecord, RecordResult>({
    insert: (records) => recordAttempts(db, records, repeatOnConflict),
    bytesOf: () => 1,
    maxRows: 100,
    maxStatements: 4,
    maxBytes: Number.POSITIVE_INFINITY,
    maxWaitingBytes: Number.POSITIVE_INFINITY,
  });
}

/**
 * Keeps attempts, each at another lane, with all that follows from them in one statement. What was delivered is kept as
 * delivered also when the lease has passed to another worker, because it is true; nothing else is then. An attempt that
 * delivers is a part of its delivery, and no row of its own.
 *
 * Messages are locked before lanes, as receipts do it, and each in the order of their keys: else two would wait for each
 * other. In a transaction of its own a conflict is the caller's to repeat.
 */
export async function recordAttempts(
  db: Db,
  records: AttemptRecord[],
  repeat: typeof repeatOnConflict = (run) => run(),
): Promise<RecordResult[]> {
  const results: RecordResult[] = [];
  for (const some of withoutRepeatedMessages(records)) {
    const rows = await repeat(() => recordSome(db, { input: JSON.stringify(some.map(toInput)) }));
    const isDue = new Map(rows.map((row) => [row.number, row.isDue]));
    for (const [index, record] of some.entries()) {
      const due = isDue.get(index) ?? null;
      results[records.indexOf(record)] = { isHeld: record.lease === "kept" || due !== null, isDue: due === true };
    }
  }
  return results;
}

/** One statement changes a row once: deliveries of the same message, of two kinds, take turns. */
function withoutRepeatedMessages(records: AttemptRecord[]): AttemptRecord[][] {
  const groups: { ids: Set<number>; records: AttemptRecord[] }[] = [];
  for (const record of records) {
    const { messageId } = record;
    let group = groups.find(({ ids }) => messageId === undefined || !ids.has(messageId));
    if (!group) {
      group = { ids: new Set(), records: [] };
      groups.push(group);
    }
    if (messageId !== undefined) group.ids.add(messageId);
    group.records.push(record);
  }
  return groups.map((group) => group.records);
}

/** A late answer proves that it was sent, even if the lane's next holder has called it `unconfirmed`. */
const decidesState = sql`input.if_queued is not null and (messages.state = 'queued'
  or (input.if_queued = 'sent' and messages.error ->> 'code' = 'unconfirmed'))`;

const recordSome = prepare<{ input: string }, { number: number; isDue: boolean | null }>(
  "record-attempts",
  (value) => sql`
    with input as materialized (
      select * from json_to_recordset(${value("input")}::json) as input (
        number int, conversation_id bigint, kind text, lease_token uuid, counter bigint, lease text,
        lease_seconds float8, delivery_id bigint, message_id bigint, started_at timestamptz, duration_ms int,
        outcome text, status int, detail text, state text, retry_seconds float8, counts boolean, is_outcome_unknown boolean,
        changes_message boolean, highlevel_message_id text, highlevel_email_message_id text,
        provider_message_id text, rfc_message_id text, reported_state text, send_answer jsonb, if_queued text,
        error jsonb
      )
    ), locked as materialized (
      select m.id from messages m join input on input.message_id = m.id
      where input.changes_message order by m.id for no key update of m
    ), held as materialized (
      select lanes.conversation_id, lanes.kind from lanes join input using (conversation_id, kind)
      where lanes.lease_token = input.lease_token and input.lease <> 'kept' and (select count(*) from locked) >= 0
      order by lanes.${eventsLast}, lanes.conversation_id, lanes.kind for no key update of lanes
    ), lease as (
      update lanes
      set lease_token = case when input.lease = 'held' then lanes.lease_token end,
        due_at = case
          when input.lease <> 'held' and lanes.counter <> input.counter then now()
          when input.lease = 'idle' then null
          else now() + make_interval(secs => input.lease_seconds)
        end,
        claimed_from = case when input.lease = 'held'
          then (select number + 1 from deliveries where id = input.delivery_id) else lanes.claimed_from end
      from input join held using (conversation_id, kind)
      where lanes.conversation_id = input.conversation_id and lanes.kind = input.kind
        and lanes.lease_token = input.lease_token
      returning input.number, coalesce(lanes.due_at <= now(), false) as is_due
    ), input_held as (
      select input.*, lease.number is not null or input.state = 'delivered' as is_true
      from input left join lease using (number)
    ), changed as (
      update deliveries
      set state = input.state, reason = nullif(input.outcome, 'delivered'), detail = input.detail,
        may_have_happened = input.is_outcome_unknown,
        finished_at = case when input.state <> 'pending' then now() end,
        (died_in, died_on) = (
          select location_id, mapping_id from conversations
          where id = deliveries.conversation_id and input.state = 'dead'
        ),
        retry_at = case when input.state = 'pending' then now() + make_interval(secs => input.retry_seconds) end,
        attempts = deliveries.attempts + input.counts::int,
        duration_ms = case when input.state = 'delivered' then input.duration_ms end,
        status = case when input.state = 'delivered' then input.status end,
        first_attempted_at = coalesce(deliveries.first_attempted_at + ${heldFor(sql`deliveries`)},
          case when input.counts then now() end),
        released_at = case when deliveries.held_at is not null then coalesce(deliveries.released_at, now()) end
      from input_held input
      where deliveries.id = input.delivery_id and input.is_true
        and case when deliveries.state = 'pending' then true
          else input.state = 'delivered' and deliveries.reason = 'unconfirmed' end
      returning input.number
    ), kept as (
      update messages
      set highlevel_message_id = coalesce(input.highlevel_message_id, messages.highlevel_message_id),
        highlevel_email_message_id = coalesce(input.highlevel_email_message_id, messages.highlevel_email_message_id),
        provider_message_id = case when input.provider_message_id is null or exists (
            select from messages other
            where other.mapping_id = messages.mapping_id and other.id <> messages.id
              and other.provider_message_id = input.provider_message_id
          ) then messages.provider_message_id else input.provider_message_id end,
        rfc_message_id = coalesce(input.rfc_message_id, messages.rfc_message_id),
        reported_state = coalesce(input.reported_state, messages.reported_state),
        send_answer = coalesce(input.send_answer, messages.send_answer),
        state = case when ${decidesState} then input.if_queued else messages.state end,
        error = case when ${decidesState} then input.error else messages.error end
      from input_held input
      where messages.id = input.message_id and input.changes_message and input.is_true
    ), noted as (
      insert into attempts (delivery_id, started_at, duration_ms, outcome, status, detail)
      select delivery_id, started_at, duration_ms, outcome, status, detail from input
      where state <> 'delivered' or number not in (select number from changed)
      order by number
    )
    select input.number, lease.is_due as "isDue" from input left join lease using (number)`,
);

function toInput({ lane, next, lease, ...attempt }: AttemptRecord, number: number) {
  const change = next.state === "pending" ? undefined : next.message;
  const { ifQueued } = change ?? {};
  return {
    number,
    conversation_id: lane.conversationId,
    kind: lane.kind,
    lease_token: lane.leaseToken,
    counter: lane.counter,
    ...leaseInput(lease),
    delivery_id: attempt.deliveryId,
    message_id: attempt.messageId,
    started_at: attempt.startedAt,
    duration_ms: attempt.durationMs,
    outcome: attempt.outcome,
    status: attempt.status,
    detail: attempt.detail,
    state: next.state,
    retry_seconds: next.state === "pending" ? next.retryInSeconds : undefined,
    counts: next.state !== "pending" || next.counts,
    is_outcome_unknown: next.state !== "delivered" && next.isOutcomeUnknown,
    changes_message: change !== undefined && Object.values(change).some((value) => value !== undefined),
    highlevel_message_id: change?.highlevelMessageId,
    highlevel_email_message_id: change?.highlevelEmailMessageId,
    provider_message_id: change?.providerMessageId,
    rfc_message_id: change?.rfcMessageId,
    reported_state: change?.reportedState,
    send_answer: change?.sendAnswer,
    if_queued: ifQueued?.state,
    error: ifQueued?.state === "failed" ? ifQueued.error : undefined,
  };
}

function leaseInput(lease: LeaseChange): { lease: string; lease_seconds?: number } {
  if (lease === "kept") return { lease };
  if ("holdSeconds" in lease) return { lease: "held", lease_seconds: lease.holdSeconds };
  const { giveBack } = lease;
  if (giveBack === "idle") return { lease: "idle" };
  return { lease: "given back", lease_seconds: giveBack === "due" ? 0 : giveBack.inSeconds };
}
