import { integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import type { FailureReason } from "../../errors.ts";
import type { Channel } from "../../model.ts";
import { createdAt, time } from "./columns.ts";

/** HighLevel sub-accounts. Deleting one takes its token away and keeps the row, for the messages that name it. */
export const locations = pgTable("locations", {
  /** HighLevel's `locationId`. */
  id: text().primaryKey(),
  name: text(),
  /** The agency whose OAuth token yields this location's, where the app was installed for the agency. */
  companyId: text().references(() => companies.id),
  /** A private integration token, or an OAuth access token. */
  sealedToken: text(),
  sealedRefreshToken: text(),
  tokenExpiresAt: time(),
  /** Grows with each token, so that a late 401 for the last one cannot pause a location that has a new one. */
  tokenVersion: integer().notNull().default(1),
  /** While there is a reason nothing of this location is claimed: until the set time, or, with none, until its token is replaced. */
  pausedReason: text().$type<FailureReason>(),
  pausedUntil: time(),
  pausedDetail: text(),
  /** Since when for that reason, without having gone on in between; null where an earlier version paused it. */
  pausedAt: time(),
  /** By which conversation providers HighLevel sends what names none, when it was asked last. */
  defaultProviders: jsonb().$type<Partial<Record<Channel, DefaultProvider>>>(),
  defaultsAskedAt: time(),
  createdAt: createdAt(),
  updatedAt: createdAt(),
  deletedAt: time(),
});

export interface DefaultProvider {
  /** Null where there is none. */
  id: string | null;
  name: string;
  /** The name of the one before it, and when the change was seen. */
  changedFrom?: string | undefined;
  changedAt?: string | undefined;
}

/** What is left of HighLevel's limits, counted over all processes. */
export const budgets = pgTable("budgets", {
  locationId: text()
    .primaryKey()
    .references(() => locations.id),
  /** Up to when requests have been forgotten, and how many of those given out are not forgotten yet. */
  intervalStartedAt: time().notNull(),
  intervalUsed: integer().notNull(),
  dayStartedAt: time().notNull(),
  dayUsed: integer().notNull(),
  /** While HighLevel says that its day is used up: when it was asked last. */
  dayAskedAt: time(),
});

/** Agencies that have installed the app: their tokens yield those of their locations. */
export const companies = pgTable("companies", {
  /** HighLevel's `companyId`. */
  id: text().primaryKey(),
  sealedToken: text(),
  sealedRefreshToken: text(),
  tokenExpiresAt: time(),
  createdAt: createdAt(),
  updatedAt: createdAt(),
});

/** The marketplace app, where it was entered instead of set: one row at most. */
export const marketplaceApps = pgTable("marketplace_apps", {
  what: text().primaryKey().$type<"highlevel">(),
  clientId: text().notNull(),
  sealedSecrets: text().notNull(),
  updatedAt: createdAt(),
});

export type MarketplaceApp = typeof marketplaceApps.$inferSelect;

export type Budget = typeof budgets.$inferSelect;

export type Company = typeof companies.$inferSelect;

export type Location = typeof locations.$inferSelect;
