import { sql } from "drizzle-orm";
import { bigint, index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import type { RefusalReason, WebhookSource, WebhookState } from "../../model.ts";
import { bytea, createdAt, id } from "./columns.ts";

/** The inbox: verified requests as they came. Deleted after the retention time, but for those that failed. */
export const webhooks = pgTable(
  "webhooks",
  {
    id: id(),
    /**
     * Whose number or mailbox it is for, which only reading tells; null for what HighLevel posts to the app as a whole. The
     * column has its name from 0.2, where each mapping had a URL of its own, and whose processes write it, too.
     */
    accountId: uuid("mapping_id"),
    source: text().$type<WebhookSource>().notNull().default("provider"),
    url: text().notNull(),
    /** Without those that carry credentials. */
    headers: jsonb().$type<Record<string, string>>().notNull(),
    body: bytea().notNull(),
    /** Where in `body` that begins which was fetched for it later; null where nothing was. */
    fetchedFrom: integer(),
    state: text().$type<WebhookState>().notNull().default("received"),
    /** Why it failed or was ignored. */
    reason: text(),
    /**
     * HighLevel's `webhookId` or a hash of the body, or an account's id and what its provider signs for one webhook only, once
     * it is processed: the same again is a duplicate.
     */
    eventId: text(),
    /** Counted before one is read over which a process may have died: see `countReadAttempts`. */
    readAttempts: integer().notNull().default(0),
    receivedAt: createdAt(),
  },
  (table) => [
    index("webhooks_received").on(table.accountId, table.id).where(sql`${table.state} = 'received'`),
    index("webhooks_failed").on(table.id).where(sql`${table.state} = 'failed'`),
    index("webhooks_failed_of_account").on(table.accountId, table.id).where(sql`${table.state} = 'failed'`),
    // A reason may be longer than an index takes.
    index("webhooks_failed_for").on(table.accountId, sql`md5(${table.reason})`).where(sql`${table.state} = 'failed'`),
    index("webhooks_mapping").on(table.accountId, table.id),
    index("webhooks_event").on(table.eventId).where(sql`${table.eventId} is not null`),
    index("webhooks_retention").on(table.receivedAt).where(sql`${table.state} in ('processed', 'ignored')`),
  ],
);

/** What was turned away at a webhook URL, by why: counted until none has come for a day, then anew. */
export const refusedWebhooks = pgTable(
  "refused_webhooks",
  {
    /** An account, at its provider's URL; a mapping, at HighLevel's delivery URL. */
    ownerId: uuid().notNull(),
    source: text().$type<WebhookSource>().notNull(),
    reason: text().$type<RefusalReason>().notNull(),
    count: bigint({ mode: "number" }).notNull(),
    /** What else is to know of the last one, and nothing that it said: sizes, ages, the address that would have fitted. */
    detail: jsonb().$type<RefusalDetail>().notNull(),
    firstAt: createdAt(),
    lastAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.ownerId, table.source, table.reason] })],
);

/** Empty: what is written here, to see whether that can be done, is gone before anybody sees it. */
export const writeProbes = pgTable("write_probes", {
  id: uuid().primaryKey().defaultRandom(),
  filler: bytea().notNull(),
});

export type RefusalDetail = Record<string, string | number | undefined>;

export type Webhook = typeof webhooks.$inferSelect;

export type RefusedWebhooks = typeof refusedWebhooks.$inferSelect;
