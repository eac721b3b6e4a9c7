import { sql } from "drizzle-orm";
import { index, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import type { FailureReason } from "../../errors.ts";
import type { DeliveryKind, WebhookSource } from "../../model.ts";
import { bigId, createdAt, id, time } from "./columns.ts";
import { keys } from "./keys.ts";

/**
 * What somebody has had done again of what was given up, or not understood: a worker does it step by step, the oldest first,
 * each step in a transaction of its own that moves `after`, too.
 */
export const replays = pgTable(
  "replays",
  {
    id: id(),
    filter: jsonb().$type<ReplayFilter>().notNull(),
    perSecond: integer().notNull(),
    /** Whose it is, and what it reaches; null for the holder of ADMIN_API_KEY, and for a user of HighLevel. */
    keyId: bigId().references(() => keys.id),
    /** Or a user of HighLevel's, of the filter's location: then there is no key. */
    userId: text(),
    state: text().$type<ReplayState>().notNull().default("running"),
    /** How many fitted when it was made. */
    counted: integer().notNull(),
    replayed: integer().notNull().default(0),
    /** The last one that it has come to. */
    after: bigId(),
    /** Why it was stopped. */
    reason: text(),
    createdAt: createdAt(),
    /** When its next step is due. */
    nextAt: createdAt(),
    finishedAt: time(),
  },
  (table) => [index("replays_running").on(table.nextAt).where(sql`${table.state} = 'running'`)],
);

export type ReplayState = "running" | "done" | "stopped";

/** What is common to all that is replayed. The times are as in JSON. */
export type ReplayFilter = {
  from?: string | undefined;
  until?: string | undefined;
  locationId?: string | undefined;
} & (
  | {
      of: "deliveries";
      kind: DeliveryKind;
      reason?: FailureReason | undefined;
      code?: string | undefined;
      mappingId?: string | undefined;
      messageIds?: number[] | undefined;
    }
  | { of: "webhooks"; source: WebhookSource; reason?: string | undefined; accountId?: string | undefined }
);

export type Replay = typeof replays.$inferSelect;
