import { and, asc, eq, gt, inArray, isNotNull, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "./database.ts";
import { type Conversation, conversations } from "./schema.ts";

export interface HighlevelIds {
  contactId?: string | undefined;
  conversationId?: string | undefined;
}

/** The conversations of these addresses, made where they are missing, and locked until the transaction ends. */
export async function ensureConversations(
  tx: Db,
  mapping: { id: string; locationId: string },
  addresses: string[],
): Promise<Map<string, Conversation>> {
  const known = await lockConversations(tx, mapping.id, addresses);
  const missing = [...new Set(addresses)].filter((address) => !known.has(address)).sort();
  if (missing.length === 0) return known;
  await tx
    .insert(conversations)
    .values(missing.map((address) => ({ mappingId: mapping.id, locationId: mapping.locationId, address })))
    .onConflictDoNothing();
  return new Map([...known, ...(await lockConversations(tx, mapping.id, missing))]);
}

/** The conversation, without a mapping, of a contact whom an integrator writes to through HighLevel. */
export async function ensureContactConversation(tx: Db, locationId: string, contactId: string): Promise<Conversation> {
  const row = { locationId, address: contactId, highlevelContactId: contactId };
  await tx.insert(conversations).values(row).onConflictDoNothing();
  const [conversation] = await tx
    .select()
    .from(conversations)
    .where(
      and(
        isNull(conversations.mappingId),
        eq(conversations.locationId, locationId),
        eq(conversations.address, contactId),
      ),
    );
  return conversation as Conversation;
}

/**
 * The conversations of these addresses, as far as there are any, locked until the transaction ends: who registers
 * one of them meanwhile comes before or after, never in between.
 */
export async function lockConversations(
  tx: Db,
  mappingId: string,
  addresses: string[],
): Promise<Map<string, Conversation>> {
  if (addresses.length === 0) return new Map();
  const locked = await tx
    .select()
    .from(conversations)
    .where(and(eq(conversations.mappingId, mappingId), inArray(conversations.address, [...new Set(addresses)])))
    .orderBy(asc(conversations.id))
    .for("no key update");
  return new Map(locked.map((conversation) => [conversation.address, conversation]));
}

/** Keeps what HighLevel told or the admin route registered; an id that is not given stays as it was. */
export async function keepHighlevelIds(db: Db, id: number, ids: HighlevelIds): Promise<void> {
  await db
    .update(conversations)
    .set({
      ...(ids.contactId === undefined ? {} : { highlevelContactId: ids.contactId }),
      ...(ids.conversationId === undefined ? {} : { highlevelConversationId: ids.conversationId }),
      updatedAt: sql`now()`,
    })
    .where(eq(conversations.id, id));
}

/** Sets both ids as given, so that a wrong one can be corrected. */
export async function registerHighlevelIds(db: Db, id: number, ids: HighlevelIds): Promise<Conversation> {
  const [stored] = await db
    .update(conversations)
    .set({
      highlevelContactId: ids.contactId ?? null,
      highlevelConversationId: ids.conversationId ?? null,
      updatedAt: sql`now()`,
    })
    .where(eq(conversations.id, id))
    .returning();
  return stored as Conversation;
}

export async function findConversation(db: Db, mappingId: string, address: string): Promise<Conversation | undefined> {
  const [conversation] = await db
    .select()
    .from(conversations)
    .where(and(eq(conversations.mappingId, mappingId), eq(conversations.address, address)));
  return conversation;
}

/** Those who are known in HighLevel, oldest first. */
export async function listConversations(
  db: Db,
  page: { mappingId: string; after?: number | undefined; limit: number },
): Promise<Conversation[]> {
  const conditions: (SQL | undefined)[] = [
    eq(conversations.mappingId, page.mappingId),
    or(isNotNull(conversations.highlevelContactId), isNotNull(conversations.highlevelConversationId)),
  ];
  if (page.after !== undefined) conditions.push(gt(conversations.id, page.after));
  return db
    .select()
    .from(conversations)
    .where(and(...conditions))
    .orderBy(asc(conversations.id))
    .limit(page.limit);
}
