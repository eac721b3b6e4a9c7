import { jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import type { FailureReason } from "../../errors.ts";
import type { EndpointFormat, EventType } from "../../model.ts";
import { createdAt, time } from "./columns.ts";
import { locations } from "./locations.ts";

/** URLs that are told of events. */
export const endpoints = pgTable("endpoints", {
  id: uuid().primaryKey().defaultRandom(),
  name: text(),
  format: text().$type<EndpointFormat>().notNull(),
  /** The URL, and one or two secrets that sign, the current one first, as JSON. A URL may be all that keeps others out. */
  sealedTarget: text().notNull(),
  events: text().array().$type<EventType[]>().notNull(),
  /** Only what is about these locations; null for all. */
  locationIds: text().array(),
  /** `admin`, or `key 7`. */
  createdBy: text().notNull(),
  createdAt: createdAt(),
  updatedAt: createdAt(),
  /** Written once a minute at most. */
  lastDeliveredAt: time(),
  lastFailedAt: time(),
  lastFailure: jsonb().$type<EndpointFailure>(),
  /** Since when nothing was delivered, and something was tried. */
  failingSince: time(),
  /** It is told nothing from then on, and why. */
  disabledAt: time(),
  disabledReason: text(),
});

export interface EndpointFailure {
  reason: FailureReason;
  status?: number | undefined;
  detail: string;
}

/** Troubles of which endpoints were told that they began, and not yet that they are over. */
export const troubles = pgTable("troubles", {
  /** `location`, `account` or `provider`, and its id. */
  key: text().primaryKey(),
  /** In whose name it is told. */
  locationId: text()
    .notNull()
    .references(() => locations.id),
  /** What else there is to tell. */
  facts: jsonb().$type<TroubleFacts>().notNull(),
  beganAt: createdAt(),
});

export interface TroubleFacts {
  provider?: string | undefined;
  accountId?: string | undefined;
  reason?: string | undefined;
  status?: number | undefined;
  detail?: string | undefined;
}

export type EndpointRow = typeof endpoints.$inferSelect;

export type NewEndpoint = typeof endpoints.$inferInsert;

export type Trouble = typeof troubles.$inferSelect;
