import { index, integer, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import type { FailureReason } from "../../errors.ts";
import type { DeliveryKind } from "../../model.ts";
import { bigId, id, time } from "./columns.ts";
import { deliveries } from "./deliveries.ts";

/** Those that did not deliver. */
export const attempts = pgTable(
  "attempts",
  {
    id: id(),
    deliveryId: bigId()
      .notNull()
      .references(() => deliveries.id, { onDelete: "cascade" }),
    startedAt: time().notNull(),
    durationMs: integer().notNull(),
    outcome: text().$type<"delivered" | FailureReason>().notNull(),
    /** The HTTP status that ended it, if an answer came. */
    status: integer(),
    detail: text(),
  },
  (table) => [index("attempts_delivery").on(table.deliveryId), index("attempts_retention").on(table.startedAt)],
);

/**
 * How attempts ended, by the minute and by the hour: added up in each process, and written each few seconds. Minutes are
 * kept for a day, hours for 30.
 */
export const attemptCounts = pgTable(
  "attempt_counts",
  {
    span: text().$type<CountSpan>().notNull(),
    at: time().notNull(),
    locationId: text().notNull(),
    /** `noMapping` where there is none. */
    mappingId: uuid().notNull(),
    kind: text().$type<DeliveryKind>().notNull(),
    /** What the delivery was then. */
    state: text().$type<"delivered" | "pending" | "dead">().notNull(),
    outcome: text().$type<"delivered" | FailureReason>().notNull(),
    count: integer().notNull(),
    /** How many took how long, by `bucketBounds`. */
    buckets: integer().array().notNull(),
  },
  ({ span, at, locationId, mappingId, kind, state, outcome }) => [
    primaryKey({ name: "attempt_counts_key", columns: [span, at, locationId, mappingId, kind, state, outcome] }),
  ],
);

export type CountSpan = "minute" | "hour";

export type AttemptCount = typeof attemptCounts.$inferSelect;

export type Attempt = typeof attempts.$inferSelect;
