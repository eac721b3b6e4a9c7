import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../../errors.ts";
import { isWithin } from "../accounts.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, secondsFromNow, selectRows } from "../postgres/database.ts";
import { accounts, type MailboxRow, mailboxes } from "../schema.ts";

/** From now on what comes to it is fetched. */
export async function addMailbox(tx: Db, accountId: string): Promise<void> {
  await tx.insert(mailboxes).values({ accountId });
}

/** How far a mailbox was fetched. */
export type MailboxPosition = Pick<
  MailboxRow,
  "place" | "uidValidity" | "lastUid" | "baselineUid" | "movedUid" | "since" | "fetchedAt"
>;

/** A mailbox that this process fetches from, until its lease ends. */
export interface HeldMailbox extends MailboxPosition {
  accountId: string;
  leaseToken: string;
  failures: number;
  /** Of the last failure. */
  detail: string | null;
  /** When its account was changed last. */
  changedAt: Date;
}

/**
 * Leases mailboxes that nobody holds and that are not to be left alone; one whose account was changed since it failed is
 * tried at once. Those that have waited longest come first.
 */
export async function claimMailboxes(
  db: Db,
  { limit, leaseSeconds }: { limit: number; leaseSeconds: number },
): Promise<HeldMailbox[]> {
  const claimed = await selectRows<{ accountId: string }>(
    db,
    sql`
      update mailboxes set lease_token = gen_random_uuid(), leased_until = ${secondsFromNow(leaseSeconds)}
      where account_id in (
        select m.account_id from mailboxes m join accounts a on a.id = m.account_id
        where a.deleted_at is null and (m.leased_until is null or m.leased_until < now())
          and (m.retry_at is null or m.retry_at <= now() or a.updated_at > m.failed_at)
        order by m.leased_until nulls first, m.account_id limit ${limit}
        for update of m skip locked
      )
      returning account_id as "accountId"`,
  );
  const ids = claimed.map(({ accountId }) => accountId);
  if (ids.length === 0) return [];
  const rows = await db
    .select({ mailbox: mailboxes, changedAt: accounts.updatedAt })
    .from(mailboxes)
    .innerJoin(accounts, eq(accounts.id, mailboxes.accountId))
    .where(isAnyOf(mailboxes.accountId, ids, "uuid"));
  return rows.flatMap(({ mailbox, changedAt }) =>
    mailbox.leaseToken === null ? [] : { ...mailbox, leaseToken: mailbox.leaseToken, changedAt },
  );
}

/** Those of these leases that go on: the others were lost, or their accounts were changed or deleted. */
export async function renewMailboxes(
  db: Db,
  held: Pick<HeldMailbox, "leaseToken" | "changedAt">[],
  leaseSeconds: number,
): Promise<Set<string>> {
  if (held.length === 0) return new Set();
  const renewed = await selectRows<{ leaseToken: string; changedAt: string }>(
    db,
    sql`
      update mailboxes set leased_until = ${secondsFromNow(leaseSeconds)} from accounts
      where accounts.id = mailboxes.account_id and accounts.deleted_at is null
        and ${isHeldBy(held.map(({ leaseToken }) => leaseToken))}
      returning lease_token as "leaseToken", accounts.updated_at as "changedAt"`,
  );
  const changed = new Map(renewed.map(({ leaseToken, changedAt }) => [leaseToken, new Date(changedAt).getTime()]));
  return new Set(
    held.flatMap(({ leaseToken, changedAt }) => (changed.get(leaseToken) === changedAt.getTime() ? leaseToken : [])),
  );
}

/** Another process may go on with them at once. */
export async function releaseMailboxes(db: Db, leaseTokens: string[]): Promise<void> {
  if (leaseTokens.length === 0) return;
  await db.update(mailboxes).set({ leaseToken: null, leasedUntil: null }).where(isHeldBy(leaseTokens));
}

const isHeldBy = (leaseTokens: string[]) => isAnyOf(mailboxes.leaseToken, leaseTokens, "uuid");

/** Moves the position, in the transaction that stores what was fetched; `false` where another process holds the mailbox. */
export async function movePosition(
  tx: Db,
  { accountId, leaseToken }: Pick<HeldMailbox, "accountId" | "leaseToken">,
  position: Partial<MailboxPosition>,
): Promise<boolean> {
  const moved = await tx
    .update(mailboxes)
    .set(position)
    .where(and(eq(mailboxes.accountId, accountId), eq(mailboxes.leaseToken, leaseToken)))
    .returning({ accountId: mailboxes.accountId });
  return moved.length > 0;
}

/** It was looked through to its end. */
export async function noteFetched(db: Db, { leaseToken }: Pick<HeldMailbox, "leaseToken">): Promise<void> {
  const well = { failures: 0, failingSince: null, failedAt: null, retryAt: null, reason: null, detail: null };
  await db
    .update(mailboxes)
    .set({ ...well, fetchedAt: sql`now()` })
    .where(eq(mailboxes.leaseToken, leaseToken));
}

/** It is left alone for so long, and given back. */
export async function noteMailboxFailure(
  db: Db,
  { leaseToken }: Pick<HeldMailbox, "leaseToken">,
  failed: { reason: FailureReason; detail: string; retryInSeconds: number },
): Promise<void> {
  const { reason, detail, retryInSeconds } = failed;
  await db
    .update(mailboxes)
    .set({
      ...{ reason, detail, leaseToken: null, leasedUntil: null },
      failures: sql`${mailboxes.failures} + 1`,
      failingSince: sql`coalesce(${mailboxes.failingSince}, now())`,
      ...{ failedAt: sql`now()`, retryAt: secondsFromNow(retryInSeconds) },
    })
    .where(eq(mailboxes.leaseToken, leaseToken));
}

/** A mailbox from which nothing can be fetched, since when and why. */
export type FailingMailbox = Pick<MailboxRow, "accountId" | "failingSince" | "reason" | "fetchedAt">;

export async function listFailingMailboxes(
  db: Db,
  limit: number,
  { locationIds }: { locationIds?: string[] | undefined } = {},
): Promise<FailingMailbox[]> {
  const { accountId, failingSince, reason, fetchedAt } = mailboxes;
  return db
    .select({ accountId, failingSince, reason, fetchedAt })
    .from(mailboxes)
    .innerJoin(accounts, eq(accounts.id, mailboxes.accountId))
    .where(and(isFailing, isNull(accounts.deletedAt), locationIds && isWithin(locationIds)))
    .orderBy(failingSince)
    .limit(limit);
}

/** How many of them there are, by why. */
export async function countFailingMailboxes(db: Db): Promise<{ reason: FailureReason; count: number }[]> {
  return selectRows(
    db,
    sql`
      select reason, count(*)::int as count from ${mailboxes}
      join ${accounts} on ${accounts.id} = ${mailboxes.accountId}
      where ${isFailing} and ${accounts.deletedAt} is null group by reason`,
  );
}

/** One failure may be a hiccup. */
const isFailing: SQL = sql`${mailboxes.failures} > 1`;

/** What there is to know of an account's mailbox; undefined where it has none. */
export async function findMailbox(db: Db, accountId: string): Promise<MailboxRow | undefined> {
  const [found] = await db.select().from(mailboxes).where(eq(mailboxes.accountId, accountId));
  return found;
}
