import { sql } from "drizzle-orm";
import { type Db, selectRows } from "./postgres/database.ts";

/** HighLevel repeats an event for hours; one that is older than this is refused unseen. */
export const eventDays = 7;

/** So long a part of a text that comes again is known: providers try for a day. */
const partDays = 3;

/** An audit is asked for a year at most. */
const auditDays = 366;

/**
 * Deletes, in steps of a set size, what is older than the retention time and no longer needed: webhooks that were
 * processed or ignored, attempts, and the content of messages whose deliveries are all done; and the credentials of accounts
 * that were deleted a week ago; the counts of what was turned away; parts of texts; and what endpoints were told of; how attempts ended; replays; and imports that have ended. Ids stay, so that
 * duplicates are still known and replies still thread. Failed webhooks and dead deliveries keep what a replay needs, and
 * parts that wait stay with their webhooks, as do mails that are still to be fetched.
 * Gives the number of rows that it touched; call again until that is 0.
 */
export async function pruneStep(db: Db, options: { retentionDays: number; rows: number }): Promise<number> {
  const before = sql`now() - make_interval(days => ${options.retentionDays})`;
  const [counts] = await selectRows<{ total: number }>(
    db,
    sql`
      with old_webhooks as (
        delete from webhooks where id in (
          select id from webhooks where state in ('processed', 'ignored') and received_at < ${before}
            and (event_id is null or received_at < now() - make_interval(days => ${eventDays}))
            and id not in (select webhook_id from message_parts where waits_until is not null)
            and not exists (
              select from deliveries d where d.webhook_id = webhooks.id and d.state in ('pending', 'dead')
            )
          order by received_at limit ${options.rows} for update skip locked
        ) returning 1
      ), old_attempts as (
        delete from attempts where id in (
          select id from attempts where started_at < ${before}
          order by started_at limit ${options.rows} for update skip locked
        ) returning 1
      ), old_messages as (
        update messages set content = null, send_request = null where id in (
          select id from messages m where content is not null and created_at < ${before} and not exists (
            select from deliveries d where d.message_id = m.id and d.state not in ('delivered', 'discarded')
          ) order by created_at limit ${options.rows} for update skip locked
        ) returning 1
      ), old_events as (
        delete from deliveries where id in (
          select id from deliveries
          where kind = 'post-event' and state in ('delivered', 'discarded') and finished_at < ${before}
          order by finished_at limit ${options.rows} for update skip locked
        ) returning 1
      ), old_credentials as (
        update accounts set sealed_credentials = null
        where sealed_credentials is not null and deleted_at < now() - make_interval(days => ${eventDays})
        returning 1
      ), old_audit as (
        delete from audit where id in (
          select id from (select id, at from audit order by id limit ${options.rows}) oldest
          where at < now() - make_interval(days => ${auditDays})
        ) returning 1
      ), old_copies as (
        update mappings set sealed_credentials = null
        where sealed_credentials is not null and deleted_at < now() - make_interval(days => ${eventDays})
        returning 1
      ), old_parts as (
        delete from message_parts where state <> 'waiting' and created_at < now() - make_interval(days => ${partDays})
          or waits_until is null and created_at < now() - make_interval(days => ${Math.max(partDays, options.retentionDays)})
        returning 1
      ), old_refusals as (
        delete from refused_webhooks where last_at < ${before} returning 1
      ), old_replays as (
        delete from replays where finished_at < ${before} returning 1
      ), old_imports as (
        delete from imports where finished_at < ${before} returning 1
      ), old_counts as (
        delete from attempt_counts where ctid = any(array(
          select ctid from attempt_counts
          where span = 'minute' and at < now() - interval '1 day' or span = 'hour' and at < now() - interval '30 days'
          limit ${options.rows}
        )) returning 1
      )
      select (select count(*) from old_webhooks) + (select count(*) from old_attempts)
        + (select count(*) from old_messages) + (select count(*) from old_credentials)
        + (select count(*) from old_copies) + (select count(*) from old_parts) + (select count(*) from old_refusals)
        + (select count(*) from old_audit) + (select count(*) from old_events)
        + (select count(*) from old_counts) + (select count(*) from old_replays) + (select count(*) from old_imports) as total`,
  );
  return counts?.total ?? 0;
}
