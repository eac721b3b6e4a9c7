import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigint,
  boolean,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import type { FailureReason } from "../../errors.ts";
import type { DeliveryKind, DeliveryState, EventType } from "../../model.ts";
import { bigId, createdAt, id, time } from "./columns.ts";
import { conversations } from "./conversations.ts";
import { locations } from "./locations.ts";
import { messages } from "./messages.ts";

/** In a lane, of a conversation without a mapping. */
export const noMapping = "00000000-0000-0000-0000-000000000000";

/**
 * The line in which the deliveries of one conversation and kind stand. One worker at a time holds it.
 * `dueAt` is when it is worth claiming next: never later than its head may go; null when nothing waits;
 * while it is held, when the lease ends.
 */
export const lanes = pgTable(
  "lanes",
  {
    conversationId: bigId()
      .notNull()
      .references(() => conversations.id),
    kind: text().$type<DeliveryKind>().notNull(),
    locationId: text()
      .notNull()
      .references(() => locations.id),
    /** The conversation's, so that the mappings of a location take turns. */
    mappingId: uuid().notNull().default(noMapping),
    /** Grows with each delivery, which takes it as its number, and with each replay: whoever sees it grown looks again. */
    counter: bigint({ mode: "number" }).notNull(),
    dueAt: time(),
    leaseToken: uuid(),
    /**
     * The first delivery that the last claim took, or the next one after one that has died since, which may be replayed: when
     * its holder dies, the first pending one from there on may be half done.
     */
    claimedFrom: bigint({ mode: "number" }),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.kind] }),
    // What does not call HighLevel goes on while a location is paused. Of that kind are events, too, which this index holds
    // as processes of before know no others.
    index("lanes_due_of_highlevel")
      .on(table.locationId, table.mappingId, table.dueAt)
      .where(sql`${table.dueAt} is not null and ${table.kind} <> 'send-outbound'`),
    index("lanes_due_elsewhere")
      .on(table.locationId, table.mappingId, table.dueAt)
      .where(sql`${table.dueAt} is not null and ${table.kind} in ('send-outbound', 'post-event', 'fetch-mail')`),
  ],
);

/** What an endpoint is told of. Of a message the rest is read when it is told. */
export interface DeliveryEvent {
  /** The same over all attempts. */
  id: string;
  type: EventType;
  /** When it happened. */
  at: string;
  /** What the message does not tell; gone when the person is erased. */
  data?: Record<string, unknown> | undefined;
}

/** 1 for what endpoints are told, else 0: as an index has it. */
export const isEvent = (kind: AnyPgColumn) => sql<0 | 1>`(case when ${kind} = 'post-event' then 1 else 0 end)`;

/** What is about a person and none of their messages: DND that HighLevel is told, and mails that are not here yet. */
const withoutMessage = ({ messageId, kind }: Record<"messageId" | "kind", AnyPgColumn>) =>
  sql`${messageId} is null and ${kind} <> 'post-event'`;

/** The outbox: calls that we owe, numbered within their lane. */
export const deliveries = pgTable(
  "deliveries",
  {
    id: id(),
    kind: text().$type<DeliveryKind>().notNull(),
    /** The message's; of an event the endpoint's. */
    conversationId: bigId().notNull(),
    number: bigint({ mode: "number" }).notNull(),
    /** Null for an event that is not about one, and for a mail that is not here yet. */
    messageId: bigId().references(() => messages.id),
    /** Of a `fetch-mail`: which names the mail. */
    webhookId: bigId(),
    /** Of a `post-event`. */
    event: jsonb().$type<DeliveryEvent>(),
    state: text().$type<DeliveryState>().notNull().default("pending"),
    /** How the last attempt failed, or why it is dead. */
    reason: text().$type<FailureReason>(),
    detail: text(),
    /** Attempts that counted: a paused location does not burn any. */
    attempts: integer().notNull().default(0),
    firstAttemptedAt: time(),
    /** Not before then. */
    retryAt: time(),
    /** Since when it was held back by the mapping's hours or its daily cap, the last time, and until when; without an end it still is. */
    heldAt: time(),
    releasedAt: time(),
    /** On which day it was counted for the mapping's daily cap. */
    countedOn: date(),
    /** An earlier attempt may have been carried out unseen: look before calling again. */
    isOutcomeUnknown: boolean("may_have_happened").notNull().default(false),
    createdAt: createdAt(),
    finishedAt: time(),
    /** When it was found that the lease of who held it had ended: a call may have been under way. The last time. */
    interruptedAt: time(),
    /** Since when it waits, where somebody had it replayed. */
    replayedAt: time(),
    /** By which replay it goes out again; null for what was replayed by itself. */
    replayId: bigId(),
    /** Of one that was given up: its location, and its conversation's mapping. Versions before 0.3 do not keep them. */
    diedIn: text(),
    diedOn: uuid(),
    /** Of a `post-history`: which import owes it. */
    importId: bigId(),
    /** Why somebody discarded it. */
    note: text(),
    /** Of the attempt that delivered it: `attempts` has those that did not. */
    durationMs: integer(),
    status: integer(),
  },
  (table) => [
    index("deliveries_pending")
      .on(table.conversationId, table.kind, table.number)
      .where(sql`${table.state} = 'pending'`),
    // Apart, so that however many events wait for an endpoint, the rest is found.
    index("deliveries_waiting").on(isEvent(table.kind), table.id).where(sql`${table.state} = 'pending'`),
    index("deliveries_dead").on(table.id).where(sql`${table.state} = 'dead'`),
    index("deliveries_dead_of_location").on(table.diedIn, table.id).where(sql`${table.state} = 'dead'`),
    index("deliveries_dead_of_conversation").on(table.conversationId, table.id).where(sql`${table.state} = 'dead'`),
    index("deliveries_message").on(table.messageId),
    index("deliveries_without_message").on(table.conversationId, table.id).where(withoutMessage(table)),
    index("deliveries_replay").on(table.replayId, table.state).where(sql`${table.replayId} is not null`),
    index("deliveries_import").on(table.importId, table.state).where(sql`${table.importId} is not null`),
    index("deliveries_webhook").on(table.webhookId).where(sql`${table.webhookId} is not null`),
    index("deliveries_told")
      .on(table.finishedAt)
      .where(sql`${table.kind} = 'post-event' and ${table.state} in ('delivered', 'discarded')`),
  ],
);

export const isWithoutMessage = withoutMessage(deliveries);

/** Its reason is of now: what was replayed keeps the one before until it is tried. */
export const isReasonOfNow = sql`(${deliveries.attempts} > 0 or ${deliveries.replayedAt} is null)`;

/** While there is a row, nothing goes out to people. */
export const holds = pgTable("holds", {
  what: text().primaryKey().$type<"sends">(),
  /** Who began it: `HOLD_SENDS`, or an operator by the route. */
  startedBy: text().notNull(),
  createdAt: createdAt(),
});

export type Hold = typeof holds.$inferSelect;

export type Delivery = typeof deliveries.$inferSelect;
