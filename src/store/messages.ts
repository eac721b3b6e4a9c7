import { and, desc, eq, exists, gte, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import type { DeliveryState, MessageState } from "../model.ts";
import type { Db } from "./database.ts";
import { type Conversation, conversations, deliveries, type Message, messages, type NewMessage } from "./schema.ts";

/**
 * Stores the messages that are new, in the order given, and gives them back; a message whose (mapping,
 * providerMessageId) is known, or stands twice in the list, is passed over.
 */
export async function insertMessages(tx: Db, rows: NewMessage[]): Promise<Message[]> {
  if (rows.length === 0) return [];
  const stored = await tx
    .insert(messages)
    .values(rows)
    .onConflictDoNothing({ target: [messages.mappingId, messages.providerMessageId] })
    .returning();
  return stored.sort((a, b) => a.id - b.id);
}

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
  const samePerson: SQL[] = [eq(conversations.id, conversation.id)];
  if (conversation.highlevelContactId) {
    samePerson.push(eq(conversations.highlevelContactId, conversation.highlevelContactId));
  }
  if (conversation.highlevelConversationId) {
    samePerson.push(eq(conversations.highlevelConversationId, conversation.highlevelConversationId));
  }
  const found = await db
    .select({ rfcMessageId: messages.rfcMessageId, emailMessageId: messages.highlevelEmailMessageId })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(
      and(
        inArray(sql`lower(${messages.rfcMessageId})`, lowerCased),
        sql`${messages.rfcMessageId} is not null`,
        sql`${messages.highlevelEmailMessageId} is not null`,
        or(...samePerson),
      ),
    );
  const rank = (row: { rfcMessageId: string | null }) => lowerCased.indexOf((row.rfcMessageId ?? "").toLowerCase());
  const [nearest] = found.sort((a, b) => rank(a) - rank(b));
  return nearest?.emailMessageId ?? undefined;
}

/** Newest first. */
export async function listMessages(
  db: Db,
  page: {
    mappingId?: string | undefined;
    address?: string | undefined;
    state?: MessageState | undefined;
    deliveryState?: DeliveryState | undefined;
    from?: Date | undefined;
    until?: Date | undefined;
    before?: number | undefined;
    limit: number;
  },
): Promise<{ message: Message; address: string }[]> {
  const conditions: SQL[] = [];
  if (page.mappingId !== undefined) conditions.push(eq(messages.mappingId, page.mappingId));
  if (page.address !== undefined) conditions.push(eq(conversations.address, page.address));
  if (page.state !== undefined) conditions.push(eq(messages.state, page.state));
  if (page.from !== undefined) conditions.push(gte(messages.receivedAt, page.from));
  if (page.until !== undefined) conditions.push(lt(messages.receivedAt, page.until));
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

export async function findMessage(db: Db, id: number): Promise<{ message: Message; address: string } | undefined> {
  const [found] = await db
    .select({ message: messages, address: conversations.address })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(eq(messages.id, id));
  return found;
}
