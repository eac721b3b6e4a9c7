import { and, desc, eq, or, sql } from "drizzle-orm";
import type { RefusalReason, WebhookSource } from "../../model.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { type RefusalDetail, type RefusedWebhooks, refusedWebhooks } from "../schema.ts";

/** Some that were turned away at one URL for one reason, and what is to know of the last of them. */
export interface Refusals {
  ownerId: string;
  source: WebhookSource;
  reason: RefusalReason;
  count: number;
  detail: RefusalDetail;
}

/** Adds to what is counted. After a day without any it is another trouble, which begins anew. */
export async function addRefusals(db: Db, refusals: Refusals[]): Promise<void> {
  const isOver = sql`${refusedWebhooks.lastAt} < now() - interval '1 day'`;
  await db
    .insert(refusedWebhooks)
    .values(refusals)
    .onConflictDoUpdate({
      target: [refusedWebhooks.ownerId, refusedWebhooks.source, refusedWebhooks.reason],
      set: {
        count: sql`excluded.count + case when ${isOver} then 0 else ${refusedWebhooks.count} end`,
        firstAt: sql`case when ${isOver} then now() else ${refusedWebhooks.firstAt} end`,
        lastAt: sql`now()`,
        detail: sql`excluded.detail`,
      },
    });
}

/** What was turned away at an account's URL, or at a mapping's delivery URL, or at both; the latest first. */
export async function listRefusals(
  db: Db,
  at: { accountId?: string | undefined; mappingId?: string | undefined },
): Promise<RefusedWebhooks[]> {
  const isOf = (ownerId: string | undefined, source: WebhookSource) =>
    ownerId === undefined ? undefined : and(eq(refusedWebhooks.ownerId, ownerId), eq(refusedWebhooks.source, source));
  return db
    .select()
    .from(refusedWebhooks)
    .where(or(isOf(at.accountId, "provider"), isOf(at.mappingId, "highlevel")) ?? sql`false`)
    .orderBy(desc(refusedWebhooks.lastAt));
}

/** How many were turned away at these accounts' URLs, and at these mappings' delivery URLs, until a day without. */
export async function countRefusals(
  db: Db,
  ownerIds: Record<WebhookSource, string[]>,
): Promise<Record<WebhookSource, Map<string, number>>> {
  const { ownerId, source, count, lastAt } = refusedWebhooks;
  const isOf = (each: WebhookSource) => and(eq(source, each), isAnyOf(ownerId, ownerIds[each], "uuid"));
  const found = await db
    .select({ ownerId, source, count: sql<number>`sum(${count})::float8` })
    .from(refusedWebhooks)
    .where(and(or(isOf("provider"), isOf("highlevel")), sql`${lastAt} > now() - interval '1 day'`))
    .groupBy(ownerId, source);
  const countsOf = (each: WebhookSource) =>
    new Map(found.filter((row) => row.source === each).map((row) => [row.ownerId, row.count]));
  return { provider: countsOf("provider"), highlevel: countsOf("highlevel") };
}
