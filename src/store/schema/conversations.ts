import { sql } from "drizzle-orm";
import { bigint, index, integer, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type { ConsentCause, OptOutChannel, TextService } from "../../model.ts";
import { createdAt, id, time } from "./columns.ts";
import { locations } from "./locations.ts";
import { mappings } from "./mappings.ts";

/**
 * One person on one mapping, and who that is in HighLevel. Both ids are null for somebody not yet known there. Without a
 * mapping it is a contact whom an integrator writes to through HighLevel, and the address is the contact's id; or an
 * endpoint that is told of the location's events, and the address is its id.
 */
export const conversations = pgTable(
  "conversations",
  {
    id: id(),
    locationId: text()
      .notNull()
      .references(() => locations.id),
    mappingId: uuid().references(() => mappings.id),
    address: text().notNull(),
    highlevelContactId: text(),
    highlevelConversationId: text(),
    /** What the person's last text came by; null for SMS and MMS. */
    service: text().$type<TextService>(),
    /** The address as the person wrote it last; null where that is the address itself, and could be no other. */
    spelling: text(),
    /** How much of it was unread in HighLevel before an import posted into it; null where none is under way. */
    unreadBefore: integer(),
    /** Until then a delivery is making the contact in HighLevel, and no other one of the conversation does. */
    contactMadeUntil: time(),
    createdAt: createdAt(),
    updatedAt: createdAt(),
  },
  (table) => [
    uniqueIndex("conversations_address").on(table.mappingId, table.address),
    uniqueIndex("conversations_contact").on(table.locationId, table.address).where(sql`${table.mappingId} is null`),
    // Those who are known in HighLevel, for their list.
    index("conversations_known")
      .on(table.mappingId, table.id)
      .where(sql`${table.highlevelContactId} is not null or ${table.highlevelConversationId} is not null`),
    index("conversations_person")
      .on(table.locationId, table.highlevelContactId)
      .where(sql`${table.highlevelContactId} is not null`),
    index("conversations_unread").on(table.mappingId).where(sql`${table.unreadBefore} is not null`),
    index("conversations_highlevel")
      .on(table.locationId, table.highlevelConversationId)
      .where(sql`${table.highlevelConversationId} is not null`),
  ],
);

/**
 * Who is not to be written to from a location, by emails, by texts or by some of them, and who was not: a row stays when it is
 * lifted. It is told to HighLevel as the contact's DND.
 */
export const optOuts = pgTable(
  "opt_outs",
  {
    id: id(),
    locationId: text()
      .notNull()
      .references(() => locations.id),
    channel: text().$type<OptOutChannel>().notNull(),
    /** The person's number or mailbox, as that of a conversation. */
    address: text().notNull(),
    cause: text().$type<ConsentCause>().notNull(),
    /** The word, the provider's words, or the note of who entered it. */
    detail: text(),
    /** The message that said so, or that was refused for it; that is deleted sooner. */
    messageId: bigint({ mode: "number" }),
    optedOutAt: createdAt(),
    /** Null while it stands. */
    liftedAt: time(),
    liftedBy: text().$type<ConsentCause>(),
  },
  (table) => [
    uniqueIndex("opt_outs_person").on(table.locationId, table.channel, table.address),
    index("opt_outs_list").on(table.locationId, table.id),
  ],
);

export type OptOut = typeof optOuts.$inferSelect;

export type Conversation = typeof conversations.$inferSelect;
