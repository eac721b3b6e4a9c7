import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigint,
  boolean,
  customType,
  date,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import type { FailureReason } from "../errors.ts";
import type {
  Attachment,
  AutomaticKind,
  CallFacts,
  Channel,
  ConsentCause,
  ConsentChange,
  DeliveryKind,
  DeliveryState,
  Direction,
  DmarcPolicy,
  EndpointFormat,
  EventType,
  HighlevelMessageType,
  KeyAccess,
  ListPolicy,
  MessageError,
  MessageOrigin,
  MessageState,
  ProviderMessage,
  ReceiptStatus,
  RefusalReason,
  SenderRule,
  TextService,
  UnknownOutcomePolicy,
  UnknownSenderPolicy,
  Verdicts,
  WebhookSource,
  WebhookState,
  Weekday,
} from "../model.ts";

const bytea = customType<{ data: Buffer; driverData: Uint8Array }>({
  dataType: () => "bytea",
  fromDriver: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
});

/** A reference to a row's id. */
const bigId = () => bigint({ mode: "number" });
const id = () => bigId().generatedAlwaysAsIdentity().primaryKey();
const time = () => timestamp({ withTimezone: true });
const createdAt = () => time().notNull().defaultNow();

/** In a lane, of a conversation without a mapping. */
export const noMapping = "00000000-0000-0000-0000-000000000000";

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
export const sessions = pgTable("sessions", {
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
});

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

/** The inbox: verified requests as they came. Deleted after the retention time, but for those that failed. */
export const webhooks = pgTable(
  "webhooks",
  {
    id: id(),
    /**
     * Whose number or mailbox it is for, which only reading tells; null for what HighLevel posts to the app as a whole. The
     * column has its name from 0.2, where each mapping had a URL of its own, and whose processes write it, too.
     */
    accountId: uuid("mapping_id"),
    source: text().$type<WebhookSource>().notNull().default("provider"),
    url: text().notNull(),
    /** Without those that carry credentials. */
    headers: jsonb().$type<Record<string, string>>().notNull(),
    body: bytea().notNull(),
    /** Where in `body` that begins which was fetched for it later; null where nothing was. */
    fetchedFrom: integer(),
    state: text().$type<WebhookState>().notNull().default("received"),
    /** Why it failed or was ignored. */
    reason: text(),
    /**
     * HighLevel's `webhookId` or a hash of the body, or an account's id and what its provider signs for one webhook only, once
     * it is processed: the same again is a duplicate.
     */
    eventId: text(),
    /** Counted before one is read over which a process may have died: see `countReadAttempts`. */
    readAttempts: integer().notNull().default(0),
    receivedAt: createdAt(),
  },
  (table) => [
    index("webhooks_received").on(table.accountId, table.id).where(sql`${table.state} = 'received'`),
    index("webhooks_failed").on(table.id).where(sql`${table.state} = 'failed'`),
    index("webhooks_failed_of_account").on(table.accountId, table.id).where(sql`${table.state} = 'failed'`),
    // A reason may be longer than an index takes.
    index("webhooks_failed_for").on(table.accountId, sql`md5(${table.reason})`).where(sql`${table.state} = 'failed'`),
    index("webhooks_mapping").on(table.accountId, table.id),
    index("webhooks_event").on(table.eventId).where(sql`${table.eventId} is not null`),
    index("webhooks_retention").on(table.receivedAt).where(sql`${table.state} in ('processed', 'ignored')`),
  ],
);

/** What was turned away at a webhook URL, by why: counted until none has come for a day, then anew. */
export const refusedWebhooks = pgTable(
  "refused_webhooks",
  {
    /** An account, at its provider's URL; a mapping, at HighLevel's delivery URL. */
    ownerId: uuid().notNull(),
    source: text().$type<WebhookSource>().notNull(),
    reason: text().$type<RefusalReason>().notNull(),
    count: bigint({ mode: "number" }).notNull(),
    /** What else is to know of the last one, and nothing that it said: sizes, ages, the address that would have fitted. */
    detail: jsonb().$type<RefusalDetail>().notNull(),
    firstAt: createdAt(),
    lastAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.ownerId, table.source, table.reason] })],
);

/** Empty: what is written here, to see whether that can be done, is gone before anybody sees it. */
export const writeProbes = pgTable("write_probes", {
  id: uuid().primaryKey().defaultRandom(),
  filler: bytea().notNull(),
});

export type RefusalDetail = Record<string, string | number | undefined>;

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
    /** The address as the person wrote it last; null where that is the address itself. */
    spelling: text(),
    /** How much of it was unread in HighLevel before an import posted into it; null where none is under way. */
    unreadBefore: integer(),
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
    index("conversations_highlevel")
      .on(table.locationId, table.highlevelConversationId)
      .where(sql`${table.highlevelConversationId} is not null`),
  ],
);

export interface RecipientFate {
  status: ReceiptStatus;
  error?: MessageError | undefined;
}

/** Of a file that was carried to HighLevel the `url` is HighLevel's. */
export interface CarriedAttachment extends Attachment {
  /** Why HighLevel cannot have it, in words for the agent. */
  refusal?: string | undefined;
}

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

/**
 * Who is not to be written to from a location, by texts or by emails, and who was not: a row stays when it is lifted. It is
 * told to HighLevel as the contact's DND.
 */
export const optOuts = pgTable(
  "opt_outs",
  {
    id: id(),
    locationId: text()
      .notNull()
      .references(() => locations.id),
    channel: text().$type<Channel>().notNull(),
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
    index("message_parts_set").on(table.mappingId, table.person, table.ref),
    index("message_parts_waiting").on(table.waitsUntil).where(sql`${table.waitsUntil} is not null`),
  ],
);

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
    index("deliveries_replay").on(table.replayId, table.state).where(sql`${table.replayId} is not null`),
    index("deliveries_import").on(table.importId, table.state).where(sql`${table.importId} is not null`),
    index("deliveries_webhook").on(table.webhookId).where(sql`${table.webhookId} is not null`),
    index("deliveries_told")
      .on(table.finishedAt)
      .where(sql`${table.kind} = 'post-event' and ${table.state} in ('delivered', 'discarded')`),
  ],
);

/** How many messages a mapping with a daily cap has sent on the day that it sent the last one, by its own calendar. */
export const dailySends = pgTable("daily_sends", {
  mappingId: uuid()
    .primaryKey()
    .references(() => mappings.id),
  day: date().notNull(),
  count: integer().notNull(),
});

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
    /** Whose it is, and what it reaches; null for the holder of ADMIN_API_KEY. */
    keyId: bigId().references(() => keys.id),
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

/**
 * What was before the bridge, brought to one mapping: read whole, put in order, and then posted step by step as a worker has
 * it, each step in a transaction of its own. `state` says whether it goes on, and `stage` where it is.
 */
export const imports = pgTable(
  "imports",
  {
    id: id(),
    mappingId: uuid()
      .notNull()
      .references(() => mappings.id),
    /** Null for a file. */
    history: jsonb().$type<HistorySpan>(),
    perSecond: integer().notNull(),
    /** Nothing is posted until somebody lets it go on. */
    isDryRun: boolean().notNull(),
    /** Whose it is; null for the holder of ADMIN_API_KEY. */
    keyId: bigId().references(() => keys.id),
    state: text().$type<ImportState>().notNull().default("running"),
    stage: text().$type<ImportStage>().notNull().default("reading"),
    /** Which page of a history comes next; null for the first one. */
    cursor: text(),
    /** Lines of the file, or messages of the history, that were read. */
    lines: integer().notNull().default(0),
    refused: integer().notNull().default(0),
    duplicates: integer().notNull().default(0),
    people: integer().notNull().default(0),
    /** Those of these whose contact the bridge knows. */
    knownPeople: integer().notNull().default(0),
    /** How many are on their way or posted. */
    begun: integer().notNull().default(0),
    /** Why it waits, or was stopped. */
    reason: text(),
    createdAt: createdAt(),
    /** When its next step is due. */
    nextAt: createdAt(),
    finishedAt: time(),
  },
  (table) => [index("imports_running").on(table.nextAt).where(sql`${table.state} = 'running'`)],
);
export type ImportState = "running" | "paused" | "done" | "stopped";
export type ImportStage = "reading" | "sorting" | "posting";
/** Times as in JSON. */
export interface HistorySpan {
  from?: string | undefined;
  until: string;
}
export type Import = typeof imports.$inferSelect;

/** Messages that an import has read and not begun to post yet, and those that it refused: of these the line and why alone. */
export const importRows = pgTable(
  "import_rows",
  {
    id: id(),
    importId: bigId()
      .notNull()
      .references(() => imports.id, { onDelete: "cascade" }),
    line: integer().notNull(),
    person: text(),
    sentAt: time(),
    providerMessageId: text(),
    message: jsonb().$type<ProviderMessage>(),
    /** What it says of whether the person may be written to. */
    consent: text().$type<ConsentChange>(),
    reason: text(),
  },
  (table) => [
    uniqueIndex("import_rows_message").on(table.importId, table.providerMessageId),
    index("import_rows_order")
      .on(table.importId, table.person, table.sentAt, table.line)
      .where(sql`${table.message} is not null`),
    index("import_rows_refused").on(table.importId, table.line).where(sql`${table.reason} is not null`),
  ],
);
export type ImportRow = typeof importRows.$inferSelect;

/** While there is a row, nothing goes out to people. */
export const holds = pgTable("holds", {
  what: text().primaryKey().$type<"sends">(),
  /** Who began it: `HOLD_SENDS`, or an operator by the route. */
  startedBy: text().notNull(),
  createdAt: createdAt(),
});

export type Replay = typeof replays.$inferSelect;
export type EndpointRow = typeof endpoints.$inferSelect;
export type NewEndpoint = typeof endpoints.$inferInsert;
export type Trouble = typeof troubles.$inferSelect;
export type Hold = typeof holds.$inferSelect;
export type AuditEntry = typeof audit.$inferSelect;
export type ProviderRow = typeof providers.$inferSelect;
export type Budget = typeof budgets.$inferSelect;
export type Key = typeof keys.$inferSelect;
export type Company = typeof companies.$inferSelect;
export type Location = typeof locations.$inferSelect;
export type AccountRow = typeof accounts.$inferSelect;
export type NewAccount = typeof accounts.$inferInsert;
export type MailboxRow = typeof mailboxes.$inferSelect;
export type MappingRow = typeof mappings.$inferSelect;
export type NewMapping = typeof mappings.$inferInsert;
export type Webhook = typeof webhooks.$inferSelect;
export type RefusedWebhooks = typeof refusedWebhooks.$inferSelect;
export type Conversation = typeof conversations.$inferSelect;
export type Message = typeof messages.$inferSelect;
export type NewMessage = typeof messages.$inferInsert;
export type MessagePartRow = typeof messageParts.$inferSelect;
export type Delivery = typeof deliveries.$inferSelect;
export type Attempt = typeof attempts.$inferSelect;
