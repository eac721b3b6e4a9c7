import { sql } from "drizzle-orm";
import { boolean, index, integer, jsonb, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import type { KeyAccess } from "../../model.ts";
import { bigId, createdAt, id, time } from "./columns.ts";

/** Integrators' keys to the admin and send routes. */
export const keys = pgTable(
  "keys",
  {
    id: id(),
    name: text().notNull(),
    /** SHA-256 of the key, which nobody can look up. */
    hash: text().notNull(),
    /** The locations that it reaches; null for all. */
    locationIds: text().array(),
    access: text().$type<KeyAccess>().notNull(),
    createdAt: createdAt(),
    /** Written once a minute at most. */
    lastUsedAt: time(),
    /** It opens nothing from then on; null for never. */
    expiresAt: time(),
    revokedAt: time(),
  },
  (table) => [uniqueIndex("keys_hash").on(table.hash)],
);

/** Who has signed in to the console, for some hours. */
export const sessions = pgTable(
  "sessions",
  {
    /** Of the token in the cookie, and for the holder of ADMIN_API_KEY of that key as well. */
    hash: text().primaryKey(),
    /** Null for the holder of ADMIN_API_KEY, and for a user of HighLevel. */
    keyId: bigId().references(() => keys.id),
    /** Of a user of HighLevel, by a page of the app there: who it is, and where. */
    userId: text(),
    locationId: text(),
    access: text().$type<KeyAccess>(),
    createdAt: createdAt(),
    expiresAt: time().notNull(),
  },
  (table) => [
    index("sessions_expiry").on(table.expiresAt),
    index("sessions_user").on(table.userId, table.locationId, table.createdAt).where(sql`${table.userId} is not null`),
  ],
);

/** What was written by the admin route, also what was refused: who, what and when, and which ids it is about. */
export const audit = pgTable(
  "audit",
  {
    id: id(),
    at: createdAt(),
    /** `admin`, or `key 7`. */
    who: text().notNull(),
    method: text().notNull(),
    /** Its pattern: a path may hold a person's address. Null where no route fits. */
    route: text(),
    status: integer().notNull(),
    /** False where the caller hung up before. */
    isAnswered: boolean().notNull(),
    ids: jsonb().$type<Record<string, string | number>>().notNull(),
  },
  (table) => [index("audit_who").on(table.who, table.id)],
);

/** Secrets of the bridge's own, which nobody is shown. */
export const ownSecrets = pgTable("own_secrets", {
  /** `emails`: proves the tokens that emails carry. */
  what: text().primaryKey().$type<"emails">(),
  sealedSecret: text().notNull(),
});

export type OwnSecret = typeof ownSecrets.$inferSelect;

export type AuditEntry = typeof audit.$inferSelect;

export type Key = typeof keys.$inferSelect;
