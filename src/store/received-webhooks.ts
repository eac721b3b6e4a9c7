import { desc, getTableColumns, type Placeholder, type SQL, sql } from "drizzle-orm";
import type { WebhookState } from "../model.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import { columnsOf } from "./postgres/columns.ts";
import { type Db, selectRows } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import { type AccountRow, accounts, type Webhook, webhooks } from "./schema.ts";
import { smallBody, withBody } from "./webhooks.ts";

const accountColumns = columnsOf<AccountRow>(accounts);

export interface LockedAccount extends AccountRow {
  /** The address of its only mapping, if it has one alone; of none that is left, that of the one that was deleted last. */
  soleAddress: string | null;
}

/**
 * Locks, until the transaction ends, the accounts whose oldest received webhooks have waited longest, passing over those
 * that another process has locked; with a mapping of the same id, which is what processes of 0.2 lock. The holder of the
 * lock reads the webhooks in a statement of its own: then it sees all that were committed before, so that webhooks of one
 * account are processed in the order in which they were stored.
 * A process that stands still meanwhile loses its connection, and with it the locks, after some seconds; not so with the
 * embedded database, which has no limit otherwise, nobody to wait for the locks, and would never end what it then says.
 */
export async function lockAccountsWithWebhooks(tx: Db, limit: number): Promise<LockedAccount[]> {
  const rows = await lockAccounts(tx, { limit });
  return rows.map((row) => ({ ...accountColumns.read(row), soleAddress: row["soleAddress"] as string | null }));
}

const lockAccounts = prepare<{ limit: number }, Record<string, unknown>>(
  "lock-accounts",
  (value) => sql`
    with recursive settings as materialized (
      select set_config('idle_in_transaction_session_timeout', '5s', true)
      where current_setting('idle_in_transaction_session_timeout') <> '0'
    ), oldest as (
      (
        select mapping_id as account_id, id from webhooks where mapping_id is not null and state = 'received'
        order by mapping_id, id limit 1
      )
      union all
      select next.account_id, next.id from oldest cross join lateral (
        select w.mapping_id as account_id, w.id from webhooks w
        where w.mapping_id > oldest.account_id and w.state = 'received'
        order by w.mapping_id, w.id limit 1
      ) next
    ), locked as materialized (
      select ${accountColumns.list}, oldest.id as oldest_id
      from oldest left join settings on true join accounts on accounts.id = oldest.account_id
      order by oldest.id
      limit ${value("limit")}
      for no key update of accounts skip locked
    ), of_earlier_version as materialized (
      select mappings.id from mappings
      where mappings.id in (select "accounts.id" from locked)
      for no key update skip locked
    )
    select locked.*, (
      select case when count(*) filter (where m.deleted_at is null) < 2
        then (array_agg(m.address order by m.deleted_at desc nulls first))[1] end
      from mappings m where m.account_id = locked."accounts.id"
    ) as "soleAddress"
    from locked
    where "accounts.id" in (select id from of_earlier_version)
      or not exists (select from mappings m where m.id = "accounts.id")
    order by oldest_id`,
);

/** Any number, the same in all versions of the bridge. */
const appLock = 4_072_613_372;

/** The same for what HighLevel posts to the app as a whole: `false` when there is nothing, or another process is at it. */
export async function lockAppWebhooks(tx: Db): Promise<boolean> {
  const [locked] = await selectRows<{ isLocked: boolean }>(
    tx,
    sql`
      select pg_try_advisory_xact_lock(${appLock}) as "isLocked"
      where exists (select from webhooks where mapping_id is null and state = 'received')`,
  );
  return locked?.isLocked ?? false;
}

/** Which of these events of HighLevel have been processed before, by other webhooks than these. */
export async function findKnownEvents(tx: Db, eventIds: string[], webhookIds: number[]): Promise<Set<string>> {
  const found = await findEvents(tx, eventIds, webhookIds);
  return new Set(found.filter(({ state }) => state === "processed").map(({ id }) => id));
}

/** Which of these ids other webhooks than these have, whatever became of them. */
export async function findUsedEventIds(tx: Db, eventIds: string[], webhookIds: number[]): Promise<Set<string>> {
  return new Set((await findEvents(tx, eventIds, webhookIds)).map(({ id }) => id));
}

async function findEvents(tx: Db, eventIds: string[], webhookIds: number[]): Promise<KnownEvent[]> {
  return eventIds.length === 0 ? [] : selectEvents(tx, { eventIds, webhookIds });
}

interface KnownEvent {
  id: string;
  state: WebhookState;
}

const selectEvents = prepare<{ eventIds: string[]; webhookIds: number[] }, KnownEvent>(
  "find-events",
  (value) => sql`
    select event_id as id, state from webhooks
    where event_id = any(${value("eventIds")}::text[]) and event_id is not null
      and id <> all(${value("webhookIds")}::bigint[])`,
);

type Bodiless = Omit<Webhook, "body">;
const { body: _, ...others } = getTableColumns(webhooks);
const webhookColumns = columnsOf<Bodiless>(webhooks, Object.keys(others) as (keyof Bodiless)[]);
type ReceivedRow = Record<string, unknown> & { body: Uint8Array | null; bodyBytes: number };
const bodyColumns = sql`${smallBody.body} as body, ${smallBody.bodyBytes} as "bodyBytes"`;

/**
 * The received webhooks of these accounts, or of the app for null: of each the oldest, as many as have room when all share
 * it, in the order in which they were stored; at least one. They share the bytes, too: of each the first, then of each the
 * second, so that the large ones of one leave room for the others'. `isCut`: there may have been more.
 */
export async function listReceivedWebhooks(
  tx: Db,
  accountIds: string[] | null,
  max: { rows: number; bytes: number },
): Promise<{ webhooks: Webhook[]; isCut: boolean }> {
  const { bytes } = max;
  const share = Math.ceil(max.rows / (accountIds?.length ?? 1));
  const rows =
    accountIds === null
      ? await listOfApp(tx, { rows: share, bytes })
      : await listOfAccounts(tx, { accountIds, share, bytes });
  const read: Webhook[] = [];
  for (const { body, bodyBytes, ...row } of rows) {
    read.push(await withBody(tx, { ...webhookColumns.read(row), body, bodyBytes }));
  }
  const readBytes = rows.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  return { webhooks: read, isCut: rows.length >= share || readBytes >= bytes };
}

const listOfAccounts = prepare<{ accountIds: string[]; share: number; bytes: number }, ReceivedRow>(
  "list-webhooks-of-accounts",
  (value) =>
    selectFitting(
      sql`
        select oldest.id from unnest(${value("accountIds")}::uuid[]) as account (id)
        cross join lateral (
          select w.id from webhooks w where w.mapping_id = account.id and w.state = 'received'
          order by w.id limit ${value("share")}
        ) oldest`,
      value("bytes"),
    ),
);

const listOfApp = prepare<{ rows: number; bytes: number }, ReceivedRow>("list-webhooks-of-app", (value) =>
  selectFitting(
    sql`select id from webhooks where mapping_id is null and state = 'received' order by id limit ${value("rows")}`,
    value("bytes"),
  ),
);

const selectFitting = (ids: SQL, bytes: Placeholder) => sql`
  select ${webhookColumns.list}, ${bodyColumns} from webhooks
  join (
    select id, sum(bytes) over (order by nth, id rows between unbounded preceding and 1 preceding) as before
    from (
      select id, octet_length(body) as bytes, row_number() over (partition by mapping_id order by id) as nth
      from webhooks where id in (${ids})
    ) lines
  ) sized using (id)
  where coalesce(before, 0) < ${bytes}
  order by id`;

/** The newest webhook of all, or 0: what a process that starts finds was received before. */
export async function findNewestWebhookId(db: Db): Promise<number> {
  const [newest] = await db.select({ id: webhooks.id }).from(webhooks).orderBy(desc(webhooks.id)).limit(1);
  return newest?.id ?? 0;
}

/** Notes that these webhooks are about to be read, for the process that comes after this one if it dies over them. */
export async function countReadAttempts(db: Db, ids: number[]): Promise<void> {
  await addReadAttempts(db, ids, 1);
}

/** Takes it back, by a process that has failed over them and lives. */
export async function forgetReadAttempts(db: Db, ids: number[]): Promise<void> {
  await addReadAttempts(db, ids, -1);
}

async function addReadAttempts(db: Db, ids: number[], change: number): Promise<void> {
  const readAttempts = sql`greatest(0, ${webhooks.readAttempts} + ${change}::int)`;
  await db.update(webhooks).set({ readAttempts }).where(isAnyOf(webhooks.id, ids));
}

export interface WebhookOutcome {
  id: number;
  state: Exclude<WebhookState, "received">;
  reason: string | undefined;
  /** HighLevel's id of the event, or one of its content; of a provider's, the account and what uses its signature up. */
  eventId?: string | undefined;
}

export async function finishWebhooks(db: Db, outcomes: WebhookOutcome[]): Promise<void> {
  if (outcomes.length > 0) await finish(db, { outcomes: JSON.stringify(outcomes) });
}

/** Takes an array of outcomes, as JSON. */
export const finishing = (outcomes: Placeholder) => sql`
    update webhooks set state = outcome.state, reason = outcome.reason, event_id = outcome."eventId"
    from json_to_recordset(${outcomes}::json) as outcome (
      id bigint, state text, reason text, "eventId" text
    )
    where webhooks.id = outcome.id`;

const finish = prepare<{ outcomes: string }>("finish-webhooks", (value) => finishing(value("outcomes")));
