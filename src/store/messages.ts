import { and, asc, desc, eq, exists, gte, inArray, isNotNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { DeliveryState, Direction, MessageState } from "../model.ts";
import type { Db } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import {
  type Conversation,
  conversations,
  deliveries,
  type Message,
  type MessageContent,
  messages,
  type NewMessage,
} from "./schema.ts";

/** What is known of a message that was just stored. */
export type StoredMessage = Pick<Message, "id" | "conversationId" | "webhookId" | "providerMessageId">;

/**
 * Stores the messages that are new, in the order given, and gives them back. Passed over is one whose id is known in its
 * mapping, the provider's or HighLevel's, or whose idempotency key is; also one that stands twice in the list.
 */
export async function insertMessages(tx: Db, rows: NewMessage[]): Promise<StoredMessage[]> {
  if (rows.length === 0) return [];
  const input = rows.map((row, number) => ({ origin: "provider", ...row, number }));
  const stored = await insert(tx, { input: JSON.stringify(input) });
  return stored.sort((a, b) => a.id - b.id);
}

const insert = prepare<{ input: string }, StoredMessage>(
  "insert-messages",
  (value) => sql`
    insert into messages (mapping_id, conversation_id, webhook_id, origin, direction, state, provider_message_id,
      rfc_message_id, requested_id, highlevel_message_id, highlevel_email_message_id, idempotency_key, send_request,
      automatic,
      content, sent_at, received_at)
    select "mappingId", "conversationId", "webhookId", origin, direction, state, "providerMessageId",
      "rfcMessageId", "requestedId", "highlevelMessageId", "highlevelEmailMessageId", "idempotencyKey", "sendRequest",
      automatic,
      content, "sentAt", "receivedAt"
    from json_to_recordset(${value("input")}::json) as input (
      number int, "mappingId" uuid, "conversationId" bigint, "webhookId" bigint, origin text, direction text,
      state text, "providerMessageId" text, "rfcMessageId" text, "requestedId" text, "highlevelMessageId" text,
      "highlevelEmailMessageId" text, "idempotencyKey" text, "sendRequest" jsonb, automatic text, content jsonb,
      "sentAt" timestamptz, "receivedAt" timestamptz
    )
    order by number
    on conflict do nothing
    returning id, conversation_id as "conversationId", webhook_id as "webhookId",
      provider_message_id as "providerMessageId"`,
);

/**
 * HighLevel's id of the email that answers to one of these RFC 5322 ids, the first id that is known winning.
 * Looked for in the conversation and wherever else HighLevel has the same person: a thread does not cross people.
 */
export async function findThread(
  db: Db,
  conversation: Conversation,
  rfcMessageIds: string[],
): Promise<string | undefined> {
  if (rfcMessageIds.length === 0) return undefined;
  const lowerCased = rfcMessageIds.map((id) => id.toLowerCase());
  const localParts = rfcMessageIds.map((id) => id.replace(/@[^@]*$/, ""));
  const isNamed = and(
    sql`${messages.rfcMessageId} is not null`,
    inArray(sql`lower(${messages.rfcMessageId})`, lowerCased),
  );
  const found = await db
    .select({
      rfcMessageId: sql<string>`lower(coalesce(${messages.rfcMessageId}, ''))`,
      providerMessageId: messages.providerMessageId,
      emailMessageId: messages.highlevelEmailMessageId,
    })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(
      and(
        or(isNamed, wasRenamed(conversation, localParts)),
        sql`${messages.highlevelEmailMessageId} is not null`,
        or(...samePerson(conversation)),
      ),
    );
  const rank = ({ rfcMessageId, providerMessageId }: (typeof found)[number]) =>
    lowerCased.findIndex((id, index) => id === rfcMessageId || localParts[index] === providerMessageId);
  const [nearest] = found.sort((a, b) => rank(a) - rank(b));
  return nearest?.emailMessageId ?? undefined;
}

/** Some providers put an id of their own in place of ours: their id of the message, before a domain of theirs. */
function wasRenamed({ mappingId }: Conversation, localParts: string[]): SQL | undefined {
  if (mappingId === null) return undefined;
  return and(eq(messages.mappingId, mappingId), inArray(messages.providerMessageId, localParts));
}

/** A person's conversations: this one, and wherever else HighLevel has the same contact. */
function samePerson({ id, highlevelContactId, highlevelConversationId }: Conversation): SQL[] {
  const same: SQL[] = [eq(conversations.id, id)];
  if (highlevelContactId) same.push(eq(conversations.highlevelContactId, highlevelContactId));
  if (highlevelConversationId) same.push(eq(conversations.highlevelConversationId, highlevelConversationId));
  return same;
}

/**
 * The messages that we sent and that receipts are about, by our own ids or the provider's, locked until the transaction
 * ends, with the person's address.
 */
export async function lockSentMessages(
  tx: Db,
  mappingId: string,
  ids: { ids: number[]; providerMessageIds: string[] },
): Promise<{ message: Message; conversation: Conversation }[]> {
  const sought: SQL[] = [];
  if (ids.ids.length > 0) sought.push(inArray(messages.id, ids.ids));
  if (ids.providerMessageIds.length > 0) sought.push(inArray(messages.providerMessageId, ids.providerMessageIds));
  if (sought.length === 0) return [];
  return tx
    .select({ message: messages, conversation: conversations })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(eq(messages.mappingId, mappingId), eq(messages.direction, "outbound"), or(...sought)))
    .orderBy(asc(messages.id))
    .for("no key update", { of: messages });
}

/** What receipts made of a message. */
export async function keepFate(tx: Db, { id, state, error, recipients, providerMessageId }: Message): Promise<void> {
  const known = providerMessageId === null ? {} : { providerMessageId: unlessTaken(providerMessageId) };
  await tx
    .update(messages)
    .set({ state, error, recipients, ...known })
    .where(eq(messages.id, id));
}

/**
 * For an update of a message: the provider's id of it, unless another message of the mapping has that one. An integrator's
 * gateway may give what is none of its own, such as the same word each time; receipts then go by our reference alone.
 */
function unlessTaken(providerMessageId: string): SQL<string | null> {
  return sql`case when exists (
    select from messages other
    where other.mapping_id = messages.mapping_id and other.provider_message_id = ${providerMessageId}
      and other.id <> messages.id
  ) then messages.provider_message_id else ${providerMessageId} end`;
}

/** Which of these Message-IDs are those of emails that went out by this mapping. */
export async function findSentRfcIds(tx: Db, mappingId: string, rfcMessageIds: string[]): Promise<Set<string>> {
  if (rfcMessageIds.length === 0) return new Set();
  const lowerCased = rfcMessageIds.map((id) => id.toLowerCase());
  const found = await tx
    .select({ id: sql<string>`lower(${messages.rfcMessageId})` })
    .from(messages)
    .where(
      and(
        inArray(sql`lower(${messages.rfcMessageId})`, lowerCased),
        sql`${messages.rfcMessageId} is not null`,
        eq(messages.mappingId, mappingId),
        eq(messages.direction, "outbound"),
      ),
    );
  return new Set(found.map(({ id }) => id));
}

/** An email with this person, by HighLevel's id of it. */
export async function findByEmailId(
  db: Db,
  person: Conversation,
  highlevelEmailMessageId: string,
): Promise<Message | undefined> {
  const [found] = await db
    .select({ message: messages })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(or(...samePerson(person)), eq(messages.highlevelEmailMessageId, highlevelEmailMessageId)))
    .orderBy(desc(messages.id))
    .limit(1);
  return found?.message;
}

/** The newest emails that an integrator had HighLevel send to a person, newest first. */
export async function listRelayedEmails(db: Db, person: Conversation, limit: number): Promise<Message[]> {
  const found = await db
    .select({ message: messages })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(
      and(or(...samePerson(person)), eq(messages.origin, "api"), sql`${messages.highlevelEmailMessageId} is not null`),
    )
    .orderBy(desc(messages.id))
    .limit(limit);
  return found.map(({ message }) => message);
}

export async function findByIdempotencyKey(db: Db, idempotencyKey: string): Promise<Message | undefined> {
  const [message] = await db.select().from(messages).where(eq(messages.idempotencyKey, idempotencyKey));
  return message;
}

/** Lets one caller try a failed message again; `false` for all others. */
export async function requeueFailed(tx: Db, id: number): Promise<boolean> {
  const requeued = await tx
    .update(messages)
    .set({ state: "queued", error: null, sendAnswer: null })
    .where(and(eq(messages.id, id), eq(messages.state, "failed")))
    .returning({ id: messages.id });
  return requeued.length > 0;
}

/** How a send that somebody waits for has ended. */
export async function finishSend(
  db: Db,
  id: number,
  end: Partial<Pick<Message, "state" | "error" | "sendAnswer" | "highlevelMessageId" | "highlevelEmailMessageId">>,
): Promise<void> {
  await db.update(messages).set(end).where(eq(messages.id, id));
}

/** A mapping's message by the provider's id of it. */
export async function findByProviderId(
  db: Db,
  mappingId: string,
  providerMessageId: string,
): Promise<Message | undefined> {
  const [message] = await db
    .select()
    .from(messages)
    .where(and(eq(messages.mappingId, mappingId), eq(messages.providerMessageId, providerMessageId)));
  return message;
}

/** The newest emails of a conversation before the given message, newest first. */
export async function listEmailsBefore(db: Db, message: Message, limit: number): Promise<Message[]> {
  return db
    .select()
    .from(messages)
    .where(
      and(
        eq(messages.conversationId, message.conversationId),
        lt(messages.id, message.id),
        sql`${messages.rfcMessageId} is not null`,
      ),
    )
    .orderBy(desc(messages.id))
    .limit(limit);
}

/** How far a message's files have got. What was deleted after the retention time stays deleted. */
export async function keepContent(db: Db, id: number, content: MessageContent): Promise<void> {
  await db
    .update(messages)
    .set({ content })
    .where(and(eq(messages.id, id), isNotNull(messages.content)));
}

/** Newest first. */
export async function listMessages(
  db: Db,
  page: {
    mappingId?: string | undefined;
    address?: string | undefined;
    state?: MessageState | undefined;
    direction?: Direction | undefined;
    deliveryState?: DeliveryState | undefined;
    from?: Date | undefined;
    until?: Date | undefined;
    /** Only of these locations. */
    locationIds?: string[] | undefined;
    before?: number | undefined;
    limit: number;
  },
): Promise<{ message: Message; address: string }[]> {
  const conditions: SQL[] = [];
  if (page.mappingId !== undefined) conditions.push(eq(messages.mappingId, page.mappingId));
  if (page.address !== undefined) conditions.push(eq(conversations.address, page.address));
  if (page.state !== undefined) conditions.push(eq(messages.state, page.state));
  if (page.direction !== undefined) conditions.push(eq(messages.direction, page.direction));
  if (page.from !== undefined) conditions.push(gte(messages.receivedAt, page.from));
  if (page.until !== undefined) conditions.push(lt(messages.receivedAt, page.until));
  if (page.locationIds !== undefined) conditions.push(inArray(conversations.locationId, page.locationIds));
  if (page.before !== undefined) conditions.push(lt(messages.id, page.before));
  if (page.deliveryState !== undefined) {
    const inState = and(eq(deliveries.messageId, messages.id), eq(deliveries.state, page.deliveryState));
    conditions.push(exists(db.select({ id: deliveries.id }).from(deliveries).where(inState)));
  }
  return db
    .select({ message: messages, address: conversations.address })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(...conditions))
    .orderBy(desc(messages.id))
    .limit(page.limit);
}

/** With `locationIds` only if it is of one of these. */
export async function findMessage(
  db: Db,
  id: number,
  { locationIds }: { locationIds?: string[] | undefined } = {},
): Promise<{ message: Message; address: string } | undefined> {
  const [found] = await db
    .select({ message: messages, address: conversations.address })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(eq(messages.id, id), locationIds && inArray(conversations.locationId, locationIds)));
  return found;
}
