import { sql } from "drizzle-orm";
import { isWithin } from "../accounts.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { accounts, conversations, webhooks } from "../schema.ts";

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
        update webhooks set ${blank}
        where id in (select webhook_id from emptied)
          or id in (select webhook_id from deliveries where ${isOfThem} and webhook_id is not null)
        returning 1
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
          highlevel_conversation_id = null, unread_before = null, updated_at = now()
        where ${isAnyOf(sql`id`, ids)} returning 1
      )
      select (select count(*) from nameless)::int as conversations, (select count(*) from emptied)::int as messages,
        (select count(*) from their_webhooks)::int as webhooks`,
  );
  return counts ?? { conversations: 0, messages: 0, webhooks: 0 };
}

/** Forgets the parts of texts of a person, by any of these addresses, what was to be imported of them, and empties the webhooks that brought them. */
export async function eraseParts(
  tx: Db,
  { addresses, locationIds }: { addresses: string[]; locationIds: string[] | undefined },
): Promise<number> {
  const isReached = locationIds === undefined ? sql`true` : isAnyOf(sql`location_id`, locationIds);
  const [erased] = await selectRows<{ webhooks: number }>(
    tx,
    sql`
      with forgotten as (
        delete from message_parts where ${isAnyOf(sql`person`, addresses)}
          and mapping_id in (select id from mappings where ${isReached}) returning webhook_id
      ), unimported as (
        delete from import_rows where ${isAnyOf(sql`person`, addresses)} and import_id in (
          select imports.id from imports join mappings on mappings.id = imports.mapping_id where ${isReached}
        )
      ), their_webhooks as (
        update webhooks set ${blank} where id in (select webhook_id from forgotten) and url <> '' returning 1
      )
      select count(*)::int as webhooks from their_webhooks`,
  );
  return erased?.webhooks ?? 0;
}

const blank = sql`body = '', fetched_from = null, headers = '{}', url = '',
  reason = case when reason is not null or state in ('received', 'failed') then 'erased' end,
  state = case when state in ('received', 'failed') then 'ignored' else state end`;

const rowsOfStep = 2_000;
const bytesOfStep = 4_000_000;

/** A webhook as it is to be looked through: the body, and what else it says. */
export interface LookedThrough {
  id: number;
  about: string;
  body: Buffer;
}

/**
 * The webhooks after `after` to these accounts, and to the app as a whole where they name one of these locations, or all of
 * those where none is given: some thousand, or a few that are large. None when there are no more.
 */
export async function listWebhooksAfter(
  db: Db,
  { accountIds, locationIds, after }: { accountIds: string[]; locationIds: string[] | undefined; after: number },
): Promise<LookedThrough[]> {
  const isNamed = (id: string) => sql`strpos(encode(body, 'escape'), ${`"${id}"`}) > 0`;
  const isReached = locationIds ? sql`(false or ${sql.join(locationIds.map(isNamed), sql` or `)})` : sql`true`;
  return selectRows<LookedThrough>(
    db,
    sql`
      with walked as materialized (
        (select newest.id from unnest(${sql.param(accountIds)}::uuid[]) as account (id) cross join lateral (
          select ${webhooks.id} as id from ${webhooks} where ${webhooks.accountId} = account.id and ${webhooks.id} > ${after}
          order by ${webhooks.id} limit ${rowsOfStep}
        ) newest order by newest.id limit ${rowsOfStep})
        union all
        (select id from webhooks where ${webhooks.accountId} is null and id > ${after} and ${isReached}
          order by id limit ${rowsOfStep})
      ), step as (
        select id, sum(octet_length(body)) over (order by id) - octet_length(body) as bytes_before
        from webhooks where id in (select id from walked order by id limit ${rowsOfStep})
      )
      select id::float8 as id, concat_ws(' ', url, headers, reason) as about, body from webhooks join step using (id)
      where bytes_before < ${bytesOfStep} order by id`,
  );
}

/** Empties these webhooks. */
export async function eraseWebhooks(db: Db, ids: number[]): Promise<void> {
  if (ids.length > 0) await db.execute(sql`update webhooks set ${blank} where ${isAnyOf(sql`id`, ids)}`);
}

/** The accounts that somebody with this reach has: all of the operator's. */
export async function listAccountIds(db: Db, locationIds: string[] | undefined): Promise<string[]> {
  const isReached = locationIds && isWithin(locationIds);
  return (await db.select({ id: accounts.id }).from(accounts).where(isReached)).map(({ id }) => id);
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
