import { bigint, index, integer, json, pgTable, text, uuid } from "drizzle-orm/pg-core";
import type { FailureReason } from "../../errors.ts";
import { createdAt, time } from "./columns.ts";

/**
 * Providers that the operator declared by documents, as `providers/declared` reads them. A deleted one keeps its row: accounts
 * that were deleted before are still of it.
 */
export const providers = pgTable("providers", {
  /** What accounts call it. */
  name: text().primaryKey(),
  /** In its own order, in which a form's fields are sent. */
  document: json().notNull(),
  /** Another one with each change. */
  version: uuid().notNull(),
  createdAt: createdAt(),
  updatedAt: createdAt(),
  deletedAt: time(),
});

/**
 * What somebody has at a provider: the credentials, and one webhook URL for all its numbers and mailboxes. A deleted one
 * keeps its row: for a week what is posted to it is kept as failed, then its provider is answered 410.
 */
export const accounts = pgTable(
  "accounts",
  {
    /** Part of the webhook's URL, so it must not be guessable. That of a mapping that was registered alone is its own. */
    id: uuid().primaryKey().defaultRandom(),
    provider: text().notNull(),
    name: text(),
    /** The locations whose numbers and mailboxes may be mapped in it. An integrator's key reaches it if it reaches them all. */
    locationIds: text().array().notNull(),
    /** One or two credentials as JSON: the first is the current one, both are accepted. */
    sealedCredentials: text(),
    /** When the current one was given. Versions before 0.3 do not keep it. */
    credentialsSetAt: time(),
    createdAt: createdAt(),
    updatedAt: createdAt(),
    deletedAt: time(),
  },
  (table) => [index("accounts_locations").using("gin", table.locationIds)],
);

/**
 * The mailbox of an account whose provider posts nothing: how far it was fetched, and who does that. The position moves in
 * the transaction that stores the mails as webhooks, and only for the holder of the lease.
 */
export const mailboxes = pgTable("mailboxes", {
  accountId: uuid()
    .primaryKey()
    .references(() => accounts.id),
  /** A hash of the folder that the position is in; null until it was opened first. */
  place: text(),
  uidValidity: bigint({ mode: "number" }),
  /** The last mail's number that was fetched. */
  lastUid: bigint({ mode: "number" }),
  /** Mails below it were there already: of those only what came since is fetched. */
  baselineUid: bigint({ mode: "number" }),
  since: createdAt(),
  /** Up to which number mails were moved to another folder; null where they are left. */
  movedUid: bigint({ mode: "number" }),
  leaseToken: uuid(),
  leasedUntil: time(),
  /** When it was last known to have nothing more. */
  fetchedAt: time(),
  /** In a row. */
  failures: integer().notNull().default(0),
  failingSince: time(),
  failedAt: time(),
  retryAt: time(),
  reason: text().$type<FailureReason>(),
  detail: text(),
});

export type ProviderRow = typeof providers.$inferSelect;

export type AccountRow = typeof accounts.$inferSelect;

export type NewAccount = typeof accounts.$inferInsert;

export type MailboxRow = typeof mailboxes.$inferSelect;
