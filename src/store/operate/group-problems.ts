import { and, desc, eq, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import type { Db } from "../postgres/database.ts";
import { listNewest, maxWalked, type Walk } from "../postgres/walk-newest.ts";
import { conversations, deliveries, messages, webhooks } from "../schema.ts";
import type { WebhookReach } from "../webhooks.ts";
import type { MessageSearch } from "./find-messages.ts";
import { codeOf, conditionsOf, type DeliveryFilter, mappingOf, walkDeliveries } from "./list-deliveries.ts";
import { type WebhookFilter, walkWebhooks, webhookConditionsOf } from "./list-webhooks.ts";

export const maxGroups = 200;

/**
 * Of the newest dead deliveries, some thousands at most, how many were given up for what and where; the largest groups first.
 * With `walkedTo` there are older ones. One group more than `maxGroups` shows that there are more.
 */
export async function groupDead(db: Db, search: DeliveryFilter & MessageSearch) {
  const dead = { ...search, state: "dead" as const, limit: maxWalked };
  const walks = await walkDeliveries(db, dead);
  const { id, kind, reason, createdAt, finishedAt } = deliveries;
  // Of which mapping it is, where that is asked for, is told by the message.
  const isPlain =
    search.mappingId === undefined
      ? sql`(${deliveries.diedOn} is not null and ${kind} not in ('send-outbound', 'post-event'))`
      : sql`false`;
  const mapping = sql<string | null>`case when ${isPlain} then ${deliveries.diedOn} else ${mappingOf} end`;
  const location = sql<string | null>`case when ${mapping} is null then ${conversations.locationId} end`;
  const endedAt = sql`coalesce(${finishedAt}, ${createdAt})`;
  const groupsOf = (tx: Db, isWalked: SQL | undefined) =>
    tx
      .select({
        ...{
          kind,
          reason,
          code: codeOf.as("code"),
          mappingId: mapping.as("mapping"),
          locationId: location.as("location"),
        },
        ...{ count, lastId: lastIdOf(id), ...firstAndLast(endedAt) },
      })
      .from(deliveries)
      // What a row tells itself is not looked up, thousands of times: a key that is null finds nothing at once.
      .leftJoin(messages, sql`${messages.id} = case when not ${isPlain} then ${deliveries.messageId} end`)
      .leftJoin(
        conversations,
        sql`${conversations.id} = case when not ${isPlain} and (${messages.mappingId} is null or ${kind} = 'fetch-mail')
          then ${deliveries.conversationId} end`,
      )
      .where(and(isWalked, ...conditionsOf(dead)))
      .groupBy(kind, reason, codeOf, mapping, location)
      .orderBy(sql`count(*) desc, max(${id}) desc`)
      .limit(maxGroups + 1)
      .as("groups");
  return listNewest(db, walks, everyGroup, (tx, isWalked) => {
    const groups = groupsOf(tx, isWalked);
    const { code, mappingId, locationId, count, firstAt, lastAt } = groups;
    return tx
      .select({
        ...{ kind, reason, code, mappingId, locationId, count, firstAt, lastAt },
        ...{ id, detail: deliveries.detail, messageId: deliveries.messageId },
      })
      .from(groups)
      .innerJoin(deliveries, eq(id, groups.lastId))
      .orderBy(desc(groups.count), desc(id));
  });
}

/** Of the newest failed webhooks the same. What their reasons have in common are the words before a number, an address or a value. */
export async function groupFailed(db: Db, search: WebhookFilter & MessageSearch) {
  const failed = { ...search, state: "failed" as const, limit: maxWalked };
  const walks = await walkWebhooks(db, failed);
  const { id, source, accountId, receivedAt } = webhooks;
  const words = sql<string | null>`nullif(trim(substring(${webhooks.reason} from '^[^0-9+"''<@:]*')), '')`;
  const groupsOf = (tx: Db, isWalked: SQL | undefined) =>
    tx
      .select({
        ...{ source, accountId, words: words.as("words") },
        ...{ count, lastId: lastIdOf(id), ...firstAndLast(receivedAt) },
      })
      .from(webhooks)
      .where(and(isWalked, ...webhookConditionsOf(failed)))
      .groupBy(source, accountId, words)
      .orderBy(sql`count(*) desc, max(${id}) desc`)
      .limit(maxGroups + 1)
      .as("groups");
  return listNewest(db, walks, everyGroup, (tx, isWalked) => {
    const groups = groupsOf(tx, isWalked);
    const { words, count, firstAt, lastAt } = groups;
    return tx
      .select({ source, accountId, words, count, firstAt, lastAt, id, detail: webhooks.reason })
      .from(groups)
      .innerJoin(webhooks, eq(id, groups.lastId))
      .orderBy(desc(groups.count), desc(id));
  });
}

/** So many rows are looked through where others' are among them: it is counted for every page. */
const maxAmongOthers = 1000;

/** How many dead deliveries and failed webhooks there are, up to so many; `isAll` is false where there are more. */
export async function countProblems(
  db: Db,
  reach: WebhookReach,
  most: number,
): Promise<{ count: number; isAll: boolean }> {
  const limit = most + 1;
  const dead = { state: "dead" as const, locationIds: reach.locationIds, limit };
  const failed = { ...reach, state: "failed" as const, limit };
  const walks = { dead: await walkDeliveries(db, dead), failed: await walkWebhooks(db, failed) };
  // Where all that is walked through is the caller's, no more than what is counted has to be.
  const rowsOf = ({ parts }: Walk) => (parts || !reach.isToMapping ? limit : maxAmongOthers);
  const few = (all: Walk[]) => all.map((walk) => ({ ...walk, rows: rowsOf(walk) }));
  const found = await Promise.all([
    listNewest(db, few(walks.dead), { limit }, (tx, isWalked) =>
      tx
        .select({ id: deliveries.id })
        .from(deliveries)
        .where(and(isWalked, ...conditionsOf(dead)))
        .limit(limit),
    ),
    listNewest(db, few(walks.failed), { limit }, (tx, isWalked) =>
      tx
        .select({ id: webhooks.id })
        .from(webhooks)
        .where(and(isWalked, ...webhookConditionsOf(failed)))
        .limit(limit),
    ),
  ]);
  const total = found.reduce((sum, { rows }) => sum + rows.length, 0);
  const isAll = total <= most && found.every(({ walkedTo }) => walkedTo === undefined);
  return { count: Math.min(total, most), isAll };
}

const count = sql<number>`count(*)::int`.as("count");
/** The last one is the example: its words are read once for each group. */
const lastIdOf = (id: AnyPgColumn) => sql<number>`max(${id})`.as("last_id");
const firstAndLast = (at: SQLWrapper) => ({
  firstAt: sql`min(${at})`.mapWith(deliveries.createdAt).as("first_at"),
  lastAt: sql`max(${at})`.mapWith(deliveries.createdAt).as("last_at"),
});
const everyGroup = { limit: Number.POSITIVE_INFINITY };
export type DeadGroup = Awaited<ReturnType<typeof groupDead>>["rows"][number];
export type FailedGroup = Awaited<ReturnType<typeof groupFailed>>["rows"][number];
