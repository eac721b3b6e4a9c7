import { and, desc, eq, isNotNull, lt, lte, or, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { type Conversation, conversations, type Message, messages } from "../schema.ts";

/** An email, as far as threads go by it: without its text, HTML and files. */
export interface ThreadEmail {
  id: number;
  rfcMessageId: string | null;
  highlevelEmailMessageId: string | null;
  /** `false` once the content was deleted after the retention time: the three below are null then. */
  hasContent: boolean;
  subject: string | null;
  inReplyTo: string[] | null;
  references: string[] | null;
}

const threadColumns = {
  id: messages.id,
  rfcMessageId: messages.rfcMessageId,
  highlevelEmailMessageId: messages.highlevelEmailMessageId,
  hasContent: sql<boolean>`${messages.content} is not null`,
  subject: sql<string | null>`${messages.content} ->> 'subject'`,
  inReplyTo: sql<string[] | null>`${messages.content} -> 'inReplyTo'`,
  references: sql<string[] | null>`${messages.content} -> 'references'`,
};

/**
 * HighLevel's id of the email that answers to one of these RFC 5322 ids, the first id that is known winning.
 * Looked for in the conversation and wherever else its location has the same person: a thread does not cross people. Of
 * several emails under one id it is the conversation's own, and of those the newest.
 */
export async function findThread(
  db: Db,
  conversation: Conversation,
  rfcMessageIds: string[],
): Promise<string | undefined> {
  if (rfcMessageIds.length === 0) return undefined;
  const lowerCased = rfcMessageIds.map((id) => id.toLowerCase());
  const localParts = rfcMessageIds.map((id) => id.replace(/@[^@]*$/, ""));
  const isNamed = and(isNotNull(messages.rfcMessageId), isAnyOf(sql`lower(${messages.rfcMessageId})`, lowerCased));
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
        isNotNull(messages.highlevelEmailMessageId),
        samePerson(conversation),
      ),
    )
    .orderBy(desc(eq(messages.conversationId, conversation.id)), desc(messages.id));
  const rank = ({ rfcMessageId, providerMessageId }: (typeof found)[number]) =>
    lowerCased.findIndex((id, index) => id === rfcMessageId || localParts[index] === providerMessageId);
  const [nearest] = found.sort((a, b) => rank(a) - rank(b));
  return nearest?.emailMessageId ?? undefined;
}

/** Some providers put an id of their own in place of ours: their id of the message, before a domain of theirs. */
function wasRenamed({ mappingId }: Conversation, localParts: string[]): SQL | undefined {
  if (mappingId === null) return undefined;
  return and(eq(messages.mappingId, mappingId), isAnyOf(messages.providerMessageId, localParts));
}

/**
 * A person's conversations: this one, and wherever else the same location has the same contact. Integrators register both
 * ids as they like: one that another location uses opens nothing there.
 */
function samePerson({ id, locationId, highlevelContactId, highlevelConversationId }: Conversation): SQL | undefined {
  const same: SQL[] = [eq(conversations.id, id)];
  if (highlevelContactId) same.push(eq(conversations.highlevelContactId, highlevelContactId));
  if (highlevelConversationId) same.push(eq(conversations.highlevelConversationId, highlevelConversationId));
  return and(eq(conversations.locationId, locationId), or(...same));
}

/** An email with this person, by HighLevel's id of it. */
export async function findByEmailId(
  db: Db,
  person: Conversation,
  highlevelEmailMessageId: string,
): Promise<ThreadEmail | undefined> {
  const [found] = await db
    .select(threadColumns)
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(samePerson(person), eq(messages.highlevelEmailMessageId, highlevelEmailMessageId)))
    .orderBy(desc(messages.id))
    .limit(1);
  return found;
}

/** Emails with this person by our ids of them, which HighLevel knows. */
export async function findByIds(db: Db, person: Conversation, ids: number[]) {
  const possible = ids.filter(Number.isSafeInteger);
  if (possible.length === 0) return [];
  const { id, receivedAt, highlevelEmailMessageId } = messages;
  return db
    .select({ id, receivedAt, highlevelEmailMessageId })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(samePerson(person), isAnyOf(id, possible), isNotNull(highlevelEmailMessageId)));
}

/** A mapping's message by the provider's id of it. */
export async function findByProviderId(
  db: Db,
  mappingId: string,
  providerMessageId: string,
): Promise<ThreadEmail | undefined> {
  const [found] = await db
    .select(threadColumns)
    .from(messages)
    .where(and(eq(messages.mappingId, mappingId), eq(messages.providerMessageId, providerMessageId)));
  return found;
}

/** The newest emails to a person before a time, newest first; with `isRelayed` only what an integrator had HighLevel send. */
export async function listSentEmails(
  db: Db,
  person: Conversation,
  { before, isRelayed, limit }: { before: Date; isRelayed: boolean; limit: number },
): Promise<ThreadEmail[]> {
  return db
    .select(threadColumns)
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(
      and(
        samePerson(person),
        eq(messages.direction, "outbound"),
        isRelayed ? eq(messages.origin, "api") : undefined,
        lte(messages.receivedAt, before),
        isNotNull(messages.highlevelEmailMessageId),
      ),
    )
    .orderBy(desc(messages.id))
    .limit(limit);
}

/** The email before this one in HighLevel's thread, whose emails share one message there, as far as they have a Message-ID. */
export async function findBefore(db: Db, id: number): Promise<ThreadEmail | undefined> {
  const thread = db
    .select({ conversationId: messages.conversationId, highlevelMessageId: messages.highlevelMessageId })
    .from(messages)
    .where(eq(messages.id, id))
    .as("thread");
  const [found] = await db
    .select(threadColumns)
    .from(messages)
    .innerJoin(thread, eq(thread.conversationId, messages.conversationId))
    .where(
      and(
        eq(messages.highlevelMessageId, thread.highlevelMessageId),
        lt(messages.id, id),
        isNotNull(messages.rfcMessageId),
      ),
    )
    .orderBy(desc(messages.id))
    .limit(1);
  return found;
}

/** The newest emails of a conversation before the given message, newest first. */
export async function listEmailsBefore(
  db: Db,
  { id, conversationId }: Pick<Message, "id" | "conversationId">,
  limit: number,
): Promise<ThreadEmail[]> {
  return db
    .select(threadColumns)
    .from(messages)
    .where(and(eq(messages.conversationId, conversationId), lt(messages.id, id), isNotNull(messages.rfcMessageId)))
    .orderBy(desc(messages.id))
    .limit(limit);
}
