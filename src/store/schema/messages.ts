import { sql } from "drizzle-orm";
import { bigint, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import type {
  Attachment,
  AutomaticKind,
  CallFacts,
  Direction,
  MessageError,
  MessageOrigin,
  MessageState,
  ProviderMessage,
  ReceiptStatus,
  SenderRule,
  TextService,
  Verdicts,
} from "../../model.ts";
import { bigId, createdAt, id, time } from "./columns.ts";
import { conversations } from "./conversations.ts";
import { mappings } from "./mappings.ts";

export interface RecipientFate {
  status: ReceiptStatus;
  error?: MessageError | undefined;
}

/** Of a file that was carried to HighLevel the `url` is HighLevel's. */
export type CarriedAttachment = Attachment;

/** What is deleted after the retention time. */
export type MessageContent = Pick<
  ProviderMessage,
  | "fromName"
  | "fromSpelling"
  | "contact"
  | "to"
  | "cc"
  | "bcc"
  | "subject"
  | "text"
  | "html"
  | "inReplyTo"
  | "references"
> & {
  attachments: CarriedAttachment[];
  /** Of a call that was made elsewhere. */
  call?: CallFacts | undefined;
  /** An agent wrote it, as HighLevel tells: no workflow. */
  isFromAgent?: true | undefined;
  /** What an outbound text goes by; absent for SMS and MMS. */
  service?: TextService | undefined;
  /** Why it goes by its mapping, where HighLevel did not say by which. */
  chosenBy?: SenderRule | undefined;
  /** The mailbox that HighLevel shows as an outbound email's sender. */
  from?: string | undefined;
  /** The provider's id of the message that an agent's answer is for. */
  replyToAltId?: string | undefined;
  /** What the provider found of who sent it. */
  verdicts?: Verdicts | undefined;
  /** What the addresses that an email came to say of which email of ours it answers. */
  replyTokens?: string[] | undefined;
  /** The thread, cc and bcc of an outbound email have been read back from HighLevel. */
  isComplete?: boolean | undefined;
};

export const messages = pgTable(
  "messages",
  {
    id: id(),
    mappingId: uuid().references(() => mappings.id),
    conversationId: bigId()
      .notNull()
      .references(() => conversations.id),
    /** The webhook that brought it; that is deleted sooner. */
    webhookId: bigint({ mode: "number" }),
    origin: text().$type<MessageOrigin>().notNull().default("provider"),
    direction: text().$type<Direction>().notNull(),
    state: text().$type<MessageState>().notNull(),
    /** The state that HighLevel was told last. */
    reportedState: text().$type<MessageState>(),
    /** Why it failed, or what else the provider said of it. */
    error: jsonb().$type<MessageError>(),
    /** What became of an email with each of its recipients. */
    recipients: jsonb().$type<Record<string, RecipientFate>>(),
    /** When receipts changed its state, and to what; null where none did. */
    fates: jsonb().$type<{ at: string; state: MessageState }[]>(),
    /** How many receipts of further recipients, or files of a call, came when it had as many as are kept; null for none. */
    leftOut: integer(),
    /** Null until a provider has given one. */
    providerMessageId: text(),
    rfcMessageId: text(),
    /** Of an email whose provider's id is the sender's choice: what it says, as a hash. */
    fingerprint: text(),
    /** HighLevel's id of what it had us send: the email's, as the emails of a thread share one message. */
    requestedId: text(),
    /**
     * In no index but one of block ranges: most messages get them after they are stored, and from PostgreSQL 16 on such an
     * index lets a row be changed where it lies.
     */
    highlevelMessageId: text(),
    highlevelEmailMessageId: text(),
    /** The send route's key, after the location that it is for. */
    idempotencyKey: text(),
    /** What the send route was asked, and what HighLevel answered. */
    sendRequest: jsonb().$type<Record<string, unknown>>(),
    sendAnswer: jsonb().$type<Record<string, unknown>>(),
    automatic: text().$type<AutomaticKind>(),
    content: jsonb().$type<MessageContent>(),
    /** The provider's time, where it tells one. */
    sentAt: time(),
    receivedAt: time().notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    uniqueIndex("messages_provider_id").on(table.mappingId, table.providerMessageId),
    uniqueIndex("messages_requested")
      .on(table.mappingId, table.requestedId)
      .where(sql`${table.requestedId} is not null`),
    uniqueIndex("messages_idempotency_key").on(table.idempotencyKey).where(sql`${table.idempotencyKey} is not null`),
    index("messages_rfc_id").on(sql`lower(${table.rfcMessageId})`).where(sql`${table.rfcMessageId} is not null`),
    index("messages_conversation").on(table.conversationId, table.id),
    index("messages_mapping").on(table.mappingId, table.id),
    index("messages_failed").on(table.id).where(sql`${table.state} = 'failed'`),
    index("messages_failed_of_mapping").on(table.mappingId, table.id).where(sql`${table.state} = 'failed'`),
    index("messages_retention").on(table.createdAt).where(sql`${table.content} is not null`),
    index("messages_webhook").on(table.webhookId).where(sql`${table.webhookId} is not null`),
    // A filter for each 32 pages, read as a whole for one id: small, and at next to no cost for who writes.
    index("messages_highlevel")
      .using("brin", table.highlevelMessageId.op("text_bloom_ops"), table.highlevelEmailMessageId.op("text_bloom_ops"))
      .with({ pages_per_range: 32, autosummarize: true }),
  ],
);

/** `joined`: it is in the message that was made of all; `broken`: of some, as others did not come. */
export type PartState = "waiting" | "joined" | "broken";

/** Parts of long texts that wait for the others, and for some days what became of them: the same part again is a duplicate. */
export const messageParts = pgTable(
  "message_parts",
  {
    id: id(),
    mappingId: uuid()
      .notNull()
      .references(() => mappings.id),
    /** Who wrote it. */
    person: text().notNull(),
    /** What the parts of a text have in common. */
    ref: text().notNull(),
    total: integer().notNull(),
    number: integer().notNull(),
    providerMessageId: text().notNull(),
    /** The webhook that brought it. */
    webhookId: bigint({ mode: "number" }).notNull(),
    state: text().$type<PartState>().notNull(),
    /** As it came, while it waits. */
    content: jsonb().$type<ProviderMessage>(),
    /** How long it waits for the others; null once it does no more, and its webhook is to be read again. */
    waitsUntil: time(),
    createdAt: createdAt(),
  },
  (table) => [
    index("message_parts_set").on(table.mappingId, table.person, table.ref, table.total, table.id),
    index("message_parts_waiting").on(table.waitsUntil).where(sql`${table.waitsUntil} is not null`),
  ],
);

export type Message = typeof messages.$inferSelect;

export type NewMessage = typeof messages.$inferInsert;

export type MessagePartRow = typeof messageParts.$inferSelect;
