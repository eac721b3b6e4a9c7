import { and, sql } from "drizzle-orm";
import type { Db } from "../postgres/database.ts";
import { listNewest, maxWalked } from "../postgres/walk-newest.ts";
import { conversations, deliveries, messages, webhooks } from "../schema.ts";
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
  const walk = await walkDeliveries(db, dead);
  if (!walk) return none;
  const { id, kind, reason, createdAt, finishedAt } = deliveries;
  const locationId = sql<string | null>`case when ${mappingOf} is null then ${conversations.locationId} end`;
  const endedAt = sql`coalesce(${finishedAt}, ${createdAt})`;
  const firstAt = sql<Date>`min(${endedAt})`.mapWith(createdAt);
  const lastAt = sql<Date>`max(${endedAt})`.mapWith(createdAt);
  return listNewest(db, [walk], everyGroup, (tx, ids) =>
    tx
      .select({
        ...{ kind, reason, code: codeOf, mappingId: mappingOf, locationId },
        ...{ count, firstAt, lastAt, id: sql<number>`max(${id})::float8` },
        detail: sql<string | null>`(array_agg(${deliveries.detail} order by ${id} desc))[1]`,
        messageId: sql<number | null>`(array_agg(${deliveries.messageId} order by ${id} desc))[1]::float8`,
      })
      .from(deliveries)
      .leftJoin(messages, sql`${messages.id} = ${deliveries.messageId}`)
      // Where the message tells the mapping, nobody asks the conversation: thousands of look-ups less.
      .leftJoin(
        conversations,
        sql`${conversations.id} = ${deliveries.conversationId}
          and (${messages.mappingId} is null or ${kind} = 'fetch-mail')`,
      )
      .where(and(sql`${id} = any(array(${ids}))`, ...conditionsOf(dead)))
      .groupBy(kind, reason, codeOf, mappingOf, locationId)
      .orderBy(sql`count(*) desc, max(${id}) desc`)
      .limit(maxGroups + 1),
  );
}

/** Of the newest failed webhooks the same. What their reasons have in common are the words before a number, an address or a value. */
export async function groupFailed(db: Db, search: WebhookFilter & MessageSearch) {
  const failed = { ...search, state: "failed" as const, limit: maxWalked };
  const walk = await walkWebhooks(db, failed);
  if (!walk) return none;
  const { id, source, accountId, receivedAt } = webhooks;
  const words = sql<string | null>`nullif(trim(substring(${webhooks.reason} from '^[^0-9+"''<@:]*')), '')`;
  return listNewest(db, [walk], everyGroup, (tx, ids) =>
    tx
      .select({
        ...{ source, accountId, words, count, id: sql<number>`max(${id})::float8` },
        firstAt: sql<Date>`min(${receivedAt})`.mapWith(receivedAt),
        lastAt: sql<Date>`max(${receivedAt})`.mapWith(receivedAt),
        detail: sql<string | null>`(array_agg(${webhooks.reason} order by ${id} desc))[1]`,
      })
      .from(webhooks)
      .where(and(sql`${id} = any(array(${ids}))`, ...webhookConditionsOf(failed)))
      .groupBy(source, accountId, words)
      .orderBy(sql`count(*) desc, max(${id}) desc`)
      .limit(maxGroups + 1),
  );
}

const count = sql<number>`count(*)::int`;
const everyGroup = { limit: Number.POSITIVE_INFINITY };
const none = { rows: [], walkedTo: undefined };
export type DeadGroup = Awaited<ReturnType<typeof groupDead>>["rows"][number];
export type FailedGroup = Awaited<ReturnType<typeof groupFailed>>["rows"][number];
