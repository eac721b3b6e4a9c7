import { and, asc, eq, gt, inArray, lte, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../postgres/database.ts";
import { maxWalked } from "../../postgres/walk-newest.ts";
import { webhooks } from "../../schema.ts";
import { type ListedWebhook, listedColumns, type WebhookFilter, webhookConditionsOf } from "../list-webhooks.ts";
import { nextAfter, type Preview, sampleSize } from "./choose-dead.ts";

/** Which of the failed webhooks are meant: the oldest that match. */
export interface FailedFilter extends Omit<WebhookFilter, "state"> {
  id?: number;
  after?: number | undefined;
  limit: number;
}

interface Step {
  ids: number[];
  walkedTo: number | undefined;
}

/** Lets failed webhooks be processed again. Looks at some thousands at most: then `walkedTo` says after which one to go on. */
export async function replayFailed(tx: Db, filter: FailedFilter): Promise<Step> {
  return changeFailed(tx, filter, { state: "received", reason: null, readAttempts: 0 });
}

/** Has failed webhooks count as ignored, with a note: they are deleted after the retention time. */
export async function discardFailed(tx: Db, filter: FailedFilter, note: string): Promise<Step> {
  return changeFailed(tx, filter, {
    state: "ignored",
    reason: sql`left('discarded: ' || ${note}::text || '; ' || coalesce(${webhooks.reason}, ''), 2000)`,
  });
}

/** How many that would touch in one step, and the first of them. */
export async function previewFailed(db: Db, filter: FailedFilter): Promise<Preview<ListedWebhook>> {
  const { isChosen, end } = await whichAre(db, filter);
  const found = await db
    .select({ id: webhooks.id })
    .from(webhooks)
    .where(isChosen)
    .orderBy(asc(webhooks.id))
    .limit(filter.limit);
  const ids = found.map(({ id }) => id);
  const sample = await db
    .select(listedColumns)
    .from(webhooks)
    .where(inArray(webhooks.id, ids.slice(0, sampleSize)))
    .orderBy(asc(webhooks.id));
  return { count: ids.length, sample, walkedTo: nextAfter(ids, filter.limit, end) };
}

async function changeFailed(
  tx: Db,
  filter: FailedFilter,
  change: { state: "received" | "ignored"; reason: SQL | null; readAttempts?: number },
): Promise<Step> {
  const { isChosen, end } = await whichAre(tx, filter);
  const chosen = sql`
    select ${webhooks.id} from ${webhooks} where ${isChosen} order by ${webhooks.id} limit ${filter.limit} for update`;
  const changed = await tx
    .update(webhooks)
    .set(change)
    .where(and(sql`${webhooks.id} = any(array(${chosen}))`, eq(webhooks.state, "failed")))
    .returning({ id: webhooks.id });
  const ids = changed.map(({ id }) => id);
  return { ids, walkedTo: nextAfter(ids, filter.limit, end) };
}

async function whichAre(db: Db, filter: FailedFilter) {
  const { id, after } = filter;
  const isAfter = after === undefined ? undefined : gt(webhooks.id, after);
  const [last] =
    id === undefined
      ? await db
          .select({ id: webhooks.id })
          .from(webhooks)
          .where(and(eq(webhooks.state, "failed"), isAfter))
          .orderBy(asc(webhooks.id))
          .offset(maxWalked - 1)
          .limit(1)
      : [];
  const isChosen = and(
    ...webhookConditionsOf({ ...filter, state: "failed" }),
    isAfter,
    id === undefined ? undefined : eq(webhooks.id, id),
    last && lte(webhooks.id, last.id),
  );
  return { isChosen, end: last?.id };
}
