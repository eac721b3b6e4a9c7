import { desc, eq, ne, sql } from "drizzle-orm";
import type { FailureReason } from "../../errors.ts";
import type { DeliveryKind, Direction, MessageError, MessageState, WebhookSource, WebhookState } from "../../model.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { isReasonOfNow, messages, webhooks } from "../schema.ts";

/** What happened lately on a mapping, newest first. */
export interface Activity {
  webhooks: { source: WebhookSource; state: WebhookState; reason: string | null; receivedAt: Date }[];
  messages: { id: number; direction: Direction; state: MessageState; error: MessageError | null; createdAt: Date }[];
  /** Those of these messages that wait, or have been given up. */
  deliveries: {
    kind: DeliveryKind;
    state: "pending" | "dead";
    reason: FailureReason | null;
    count: number;
    oldestSeconds: number;
  }[];
}

/** How many rows are looked at, the newest ones. */
export interface ActivityLimits {
  webhooks: number;
  messages: number;
}

/** Three statements that go along indexes, and read so many rows at most, however many a mapping has. */
export async function readActivity(
  db: Db,
  { id: mappingId, accountId }: { id: string; accountId: string },
  limits: ActivityLimits,
): Promise<Activity> {
  return {
    webhooks: await recentWebhooks(db, accountId, limits.webhooks),
    messages: await recentMessages(db, mappingId, limits.messages),
    deliveries: await selectRows(db, openDeliveries(mappingId, limits.messages)),
  };
}

/** Of each mapping, by its newest messages: when one came, when one was sent, and whether receipts tell of those. */
export interface Signs {
  mappingId: string;
  lastInAt: Date | null;
  lastOutAt: Date | null;
  hasReceipts: boolean;
}

/** What was imported is no sign of life: so many times as many messages are looked through for those that came live. */
const importedBetween = 20;

/** One statement that goes along an index: it tells of so many messages of each at most. */
export async function readSigns(db: Db, mappingIds: string[], messagesOfEach: number): Promise<Signs[]> {
  const rows = await selectRows<
    Omit<Signs, "lastInAt" | "lastOutAt"> & Record<"lastInAt" | "lastOutAt", string | null>
  >(
    db,
    sql`
      select mapping.id as "mappingId", signs.* from unnest(${sql.param(mappingIds)}::uuid[]) as mapping (id)
      cross join lateral (
        select max(created_at) filter (where direction = 'inbound') as "lastInAt",
          max(created_at) filter (where direction = 'outbound') as "lastOutAt",
          coalesce(bool_or(fates is not null), false) as "hasReceipts"
        from (
          select created_at, direction, fates from (
            select created_at, direction, fates, origin from messages where mapping_id = mapping.id
            order by mapping_id desc, id desc limit ${importedBetween * messagesOfEach}
          ) newest
          where origin <> 'import' limit ${messagesOfEach}
        ) live
      ) signs`,
  );
  const timeOf = (at: string | null) => (at === null ? null : new Date(at));
  return rows.map((row) => ({ ...row, lastInAt: timeOf(row.lastInAt), lastOutAt: timeOf(row.lastOutAt) }));
}

const recentWebhooks = (db: Db, accountId: string, limit: number) =>
  db
    .select({
      source: webhooks.source,
      state: webhooks.state,
      reason: webhooks.reason,
      receivedAt: webhooks.receivedAt,
    })
    .from(webhooks)
    .where(eq(webhooks.accountId, accountId))
    .orderBy(desc(webhooks.accountId), desc(webhooks.id))
    .limit(limit);

/** Without those of an import: of them no receipt comes. */
async function recentMessages(db: Db, mappingId: string, limit: number): Promise<Activity["messages"]> {
  const looked = db
    .select({
      origin: messages.origin,
      id: messages.id,
      direction: messages.direction,
      state: messages.state,
      error: messages.error,
      createdAt: messages.createdAt,
    })
    .from(messages)
    .where(eq(messages.mappingId, mappingId))
    .orderBy(desc(messages.mappingId), desc(messages.id))
    .limit(limit * importedBetween)
    .as("looked");
  return db.select().from(looked).where(ne(looked.origin, "import")).orderBy(desc(looked.id)).limit(limit);
}

const openDeliveries = (mappingId: string, limit: number) => sql`
  select kind, deliveries.state, case when ${isReasonOfNow} then reason end as reason,
    count(*)::int as count,
    extract(epoch from now() - min(coalesce(replayed_at, deliveries.created_at)))::float8 as "oldestSeconds"
  from (
    select id from messages where mapping_id = ${mappingId}
    order by mapping_id desc, id desc limit ${limit}
  ) recent
  join deliveries on message_id = recent.id
  where deliveries.state in ('pending', 'dead') and deliveries.kind <> 'post-event'
  group by 1, 2, 3`;
