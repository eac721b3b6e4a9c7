import { sql } from "drizzle-orm";
import { boolean, date, index, integer, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type {
  DmarcPolicy,
  HighlevelMessageType,
  ListPolicy,
  UnknownOutcomePolicy,
  UnknownSenderPolicy,
  Weekday,
} from "../../model.ts";
import { accounts } from "./accounts.ts";
import { createdAt, time } from "./columns.ts";
import { locations } from "./locations.ts";

/** One number or mailbox of an account, and the location that it stands for. A deleted one keeps its row. */
export const mappings = pgTable(
  "mappings",
  {
    /** Part of HighLevel's delivery URL, so it must not be guessable. */
    id: uuid().primaryKey().defaultRandom(),
    accountId: uuid()
      .notNull()
      .references(() => accounts.id),
    locationId: text()
      .notNull()
      .references(() => locations.id),
    provider: text().notNull(),
    /** For mail also `*@example.com`: every mailbox of the domain that has no mapping of its own. */
    address: text().notNull(),
    name: text(),
    /** Null for a location's default provider of SMS or Email. */
    conversationProviderId: text(),
    type: text().$type<HighlevelMessageType>().notNull(),
    /** HighLevel's conversation provider of calls; without one calls are not posted. */
    callProviderId: text(),
    /** The account's, where it has the same id: for processes of 0.2, which know no accounts. */
    sealedCredentials: text(),
    unknownSender: text().$type<UnknownSenderPolicy>().notNull(),
    postAutomatic: boolean().notNull(),
    /** Of what mailing lists and groups hand on. */
    postLists: text().$type<ListPolicy>().notNull().default("people"),
    /** What follows when HighLevel may have taken a message and its list cannot tell. */
    onUnknownOutcome: text().$type<UnknownOutcomePolicy>().notNull().default("repost"),
    /** The fallback: sends when HighLevel names no mapping and the person has none yet. */
    isDefault: boolean().notNull().default(false),
    /** HighLevel's ids of the agents whose number it is: sends what they write to people who have none yet. Null for none. */
    userIds: text().array(),
    /** Posts of a reply only what is new in it. */
    stripQuoted: boolean().notNull().default(false),
    /** Its emails are answered at its address with a token behind a plus sign. */
    replyTokens: boolean().notNull().default(false),
    /** Its emails name a URL by which the person unsubscribes. */
    listUnsubscribe: boolean().notNull().default(false),
    /** Of an email that fails DMARC. */
    dmarcFailures: text().$type<DmarcPolicy>().notNull().default("post"),
    /** Between which times people may be written to, as in `09:00`, by the clocks where they are; both null for always. */
    sendFrom: text(),
    sendUntil: text(),
    /** On which days; null for all. */
    sendDays: text().array().$type<Weekday[]>(),
    /** Of whom nothing tells where they are, and of the daily cap. */
    timeZone: text(),
    /** An agent's answer passes for so long after the person has written; null for never. */
    answerHours: integer(),
    /** So many messages it sends a day; null for any number. */
    dailyCap: integer(),
    createdAt: createdAt(),
    updatedAt: createdAt(),
    /** Since when nothing of it is delivered, either way, as somebody said; null for one that goes on. */
    pausedAt: time(),
    deletedAt: time(),
    /** Where it goes on, for one that was moved to another location: what came before stays with this one. */
    movedTo: uuid(),
  },
  (table) => [
    uniqueIndex("mappings_address")
      .on(table.locationId, table.provider, table.address)
      .where(sql`${table.deletedAt} is null`),
    index("mappings_location").on(table.locationId),
    index("mappings_of_account").on(table.accountId, table.address),
    uniqueIndex("mappings_account").on(table.accountId, table.address).where(sql`${table.deletedAt} is null`),
  ],
);

/** How many messages a mapping with a daily cap has sent on the day that it sent the last one, by its own calendar. */
export const dailySends = pgTable("daily_sends", {
  mappingId: uuid()
    .primaryKey()
    .references(() => mappings.id),
  day: date().notNull(),
  count: integer().notNull(),
  /** When the last one was counted: a day that begins later, by whatever zone, begins at 0. */
  countedAt: time(),
});

export type MappingRow = typeof mappings.$inferSelect;

export type NewMapping = typeof mappings.$inferInsert;
