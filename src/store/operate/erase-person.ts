import { type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { conversations, webhooks } from "../schema.ts";

export interface Erased {
  conversations: number;
  messages: number;
  webhooks: number;
}

/**
 * Empties all that is kept of these conversations. Ids stay, so that a message that comes again is still known; the
 * person's next message begins a conversation of its own. What waited for them or was given up is discarded.
 */
export async function eraseConversations(tx: Db, ids: number[]): Promise<Erased> {
  const isOfThem = isAnyOf(sql`conversation_id`, ids);
  const [counts] = await selectRows<Erased>(
    tx,
    sql`
      with emptied as (
        update messages set content = null, send_request = null, send_answer = null, recipients = null, error = null
        where ${isOfThem} returning id, webhook_id
      ), their_webhooks as (
        update webhooks set ${blank} where id in (select webhook_id from emptied) returning 1
      ), discarded as (
        update deliveries set detail = null,
          note = case when state in ('pending', 'dead') then 'erased' else note end,
          finished_at = coalesce(finished_at, now()),
          state = case when state in ('pending', 'dead') then 'discarded' else state end,
          event = event - 'data'
        where ${isOfThem} or message_id in (select id from emptied) returning id
      ), forgotten as (
        update attempts set detail = null where delivery_id in (select id from discarded)
      ), nameless as (
        update conversations set address = 'erased-' || id, spelling = null, highlevel_contact_id = null,
          highlevel_conversation_id = null, updated_at = now()
        where ${isAnyOf(sql`id`, ids)} returning 1
      )
      select (select count(*) from nameless)::int as conversations, (select count(*) from emptied)::int as messages,
        (select count(*) from their_webhooks)::int as webhooks`,
  );
  return counts ?? { conversations: 0, messages: 0, webhooks: 0 };
}

const blank = sql`body = '', headers = '{}', url = '',
  reason = case when reason is not null or state in ('received', 'failed') then 'erased' end,
  state = case when state in ('received', 'failed') then 'ignored' else state end`;

const rowsOfStep = 2_000;

/**
 * Empties the webhooks to these accounts that name the person, such as receipts and what could not be read, in steps; the
 * next one begins after `walkedTo`. They are found by the words in them, in capitals or not.
 */
export async function eraseMentions(
  db: Db,
  { accountIds, words, after }: { accountIds: string[]; words: string[]; after: number },
): Promise<{ erased: number; walkedTo: number | undefined }> {
  if (accountIds.length === 0 || words.length === 0) return { erased: 0, walkedTo: undefined };
  const [step] = await selectRows<{ erased: number; read: number; last: number | null }>(
    db,
    sql`
      with walked as materialized (
        select newest.id from unnest(${sql.param(accountIds)}::uuid[]) as account (id) cross join lateral (
          select ${webhooks.id} as id from ${webhooks} where ${webhooks.accountId} = account.id and ${webhooks.id} > ${after}
          order by ${webhooks.id} limit ${rowsOfStep}
        ) newest order by newest.id limit ${rowsOfStep}
      ), emptied as (
        update webhooks set ${blank} where id in (select id from walked) and ${names(words)} returning 1
      )
      select (select count(*) from emptied)::int as erased, count(*)::int as read, max(id) as last from walked`,
  );
  return { erased: step?.erased ?? 0, walkedTo: step?.read === rowsOfStep ? (step.last ?? undefined) : undefined };
}

function names(words: string[]): SQL {
  const texts = [sql`encode(body, 'escape')`, sql`url`, sql`headers::text`];
  const tests = words.flatMap((word) => texts.map((text) => sql`strpos(lower(${text}), ${word}) > 0`));
  return sql`(${sql.join(tests, sql` or `)})`;
}

/** The accounts that somebody with this reach has: all of the operator's. */
export async function listAccountIds(db: Db, locationIds: string[] | undefined): Promise<string[]> {
  const given = JSON.stringify(locationIds ?? []);
  const isReached =
    locationIds === undefined
      ? sql`true`
      : sql`(location_ids <> '{}' and location_ids <@ (select array_agg(value) from json_array_elements_text(${given}::json)))`;
  return (await selectRows<{ id: string }>(db, sql`select id from accounts where ${isReached}`)).map(({ id }) => id);
}

export async function listConversationsOf(db: Db, ids: number[]) {
  return db.select().from(conversations).where(isAnyOf(conversations.id, ids)).orderBy(conversations.id);
}

/** Discards what has been dead for so long, and deletes webhooks that failed so long ago; `true` where there may be more. */
export async function endDead(db: Db, { days, rows }: { days: number; rows: number }): Promise<boolean> {
  const before = sql`now() - make_interval(days => ${days})`;
  const [ended] = await selectRows<{ count: number }>(
    db,
    sql`
      with discarded as (
        update deliveries set state = 'discarded', note = 'dead for as long as DEAD_RETENTION_DAYS'
        where state = 'dead' and id in (
          select id from (
            select id, finished_at from deliveries where state = 'dead' order by id limit ${rows}
          ) oldest where finished_at < ${before}
        ) returning 1
      ), deleted as (
        delete from webhooks where state = 'failed' and id in (
          select id from (
            select id, received_at from webhooks where state = 'failed' order by id limit ${rows}
          ) oldest where received_at < ${before}
        ) returning 1
      )
      select ((select count(*) from discarded) + (select count(*) from deleted))::int as count`,
  );
  return (ended?.count ?? 0) > 0;
}
