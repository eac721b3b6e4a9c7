import { and, asc, eq, gt, isNotNull, isNull, or, type SQL, sql } from "drizzle-orm";
import type { TextService } from "../model.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import { columnsOf } from "./postgres/columns.ts";
import type { Db } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import { type Conversation, conversations, messages } from "./schema.ts";

export interface HighlevelIds {
  contactId?: string | undefined;
  conversationId?: string | undefined;
}

/** Somebody's address on a mapping. */
export interface Person {
  mappingId: string;
  locationId: string;
  address: string;
  /** Makes no conversation where there is none. */
  onlyIfKnown?: boolean;
}

export type Conversations = Map<string, Conversation>;

/** Where a person's conversation is found in what `ensureConversations` gives. */
export const keyOf = ({ mappingId, address }: Pick<Person, "mappingId" | "address">) => `${mappingId} ${address}`;

/**
 * The conversations of these people, made where they are missing, and locked until the transaction ends: a
 * registration of one of them comes before or after, never in between.
 */
export async function ensureConversations(tx: Db, people: Person[]): Promise<Conversations> {
  const sought = new Map(people.map((person) => [keyOf(person), person]));
  const known = await lockConversations(tx, [...sought.values()]);
  const missing = [...sought.values()].filter((person) => !person.onlyIfKnown && !known.has(keyOf(person)));
  if (missing.length === 0) return known;
  await insertConversations(tx, { people: JSON.stringify(missing) });
  return new Map([...known, ...(await lockConversations(tx, missing))]);
}

export async function ensureConversation(tx: Db, person: Omit<Person, "onlyIfKnown">): Promise<Conversation> {
  const conversation = (await ensureConversations(tx, [person])).get(keyOf(person));
  if (!conversation) throw new Error("the conversation that was just made is not there");
  return conversation;
}

const insertConversations = prepare<{ people: string }>(
  "insert-conversations",
  (value) => sql`
    insert into conversations (mapping_id, location_id, address)
    select "mappingId", "locationId", address
    from json_to_recordset(${value("people")}::json) as input ("mappingId" uuid, "locationId" text, address text)
    order by "mappingId", address
    on conflict do nothing`,
);

const conversationColumns = columnsOf<Conversation>(conversations);

const selectLocked = prepare<{ people: string }, Record<string, unknown>>(
  "lock-conversations",
  (value) => sql`
    select ${conversationColumns.list} from conversations
    join json_to_recordset(${value("people")}::json) as input ("mappingId" uuid, address text)
      on conversations.mapping_id = input."mappingId" and conversations.address = input.address
    order by conversations.id
    for no key update of conversations`,
);

async function lockConversations(tx: Db, people: Person[]): Promise<Conversations> {
  if (people.length === 0) return new Map();
  const locked = (await selectLocked(tx, { people: JSON.stringify(people) })).map(conversationColumns.read);
  return new Map(locked.map((each) => [keyOf({ ...each, mappingId: each.mappingId ?? "" }), each]));
}

/** The conversation, without a mapping, of a contact whom an integrator writes to through HighLevel; or of nobody known. */
export async function ensureContactConversation(
  tx: Db,
  locationId: string,
  contactId: string | undefined,
): Promise<Conversation> {
  const row = { locationId, address: contactId ?? "unknown contact", highlevelContactId: contactId ?? null };
  await tx.insert(conversations).values(row).onConflictDoNothing();
  const [conversation] = await tx
    .select()
    .from(conversations)
    .where(
      and(
        isNull(conversations.mappingId),
        eq(conversations.locationId, locationId),
        eq(conversations.address, row.address),
      ),
    );
  return conversation as Conversation;
}

/** By mapping and contact, as `keyOf` has it: the address of the contact's conversation there that was written in last. */
export async function findChatPeople(
  tx: Db,
  keys: { mappingId: string; contactId: string }[],
): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map();
  const rows = await tx
    .select({
      mappingId: conversations.mappingId,
      contactId: conversations.highlevelContactId,
      address: conversations.address,
    })
    .from(conversations)
    .where(
      and(
        isAnyOf(conversations.mappingId, [...new Set(keys.map(({ mappingId }) => mappingId))], "uuid"),
        isAnyOf(conversations.highlevelContactId, [...new Set(keys.map(({ contactId }) => contactId))]),
      ),
    )
    .orderBy(
      sql`(select max(${messages.id}) from ${messages} where ${messages.conversationId} = ${conversations.id} and ${messages.origin} <> 'import') asc nulls first`,
      asc(conversations.id),
    );
  return new Map(
    rows.map(({ mappingId, contactId, address }) => [
      keyOf({ mappingId: mappingId ?? "", address: contactId ?? "" }),
      address,
    ]),
  );
}

/** Keeps what HighLevel told or the admin route registered; an id that is not given stays as it was. */
export async function keepHighlevelIds(db: Db, id: number, ids: HighlevelIds): Promise<void> {
  await keepIds(db, { id, contactId: ids.contactId ?? null, conversationId: ids.conversationId ?? null });
}

const keepIds = prepare<{ id: number; contactId: string | null; conversationId: string | null }>(
  "keep-highlevel-ids",
  (value) => sql`
    update conversations
    set highlevel_contact_id = coalesce(${value("contactId")}, highlevel_contact_id),
      highlevel_conversation_id = coalesce(${value("conversationId")}, highlevel_conversation_id), updated_at = now(),
      contact_made_until = case when ${value("contactId")}::text is null then contact_made_until end
    where id = ${value("id")}`,
);

/** How a person wrote last. */
export interface Habits {
  conversationId: number;
  service: TextService | null;
  spelling: string | null;
}

/** Keeps how these people wrote last, for conversations that are locked. */
export async function keepHabits(tx: Db, habits: Habits[]): Promise<void> {
  if (habits.length > 0) await updateHabits(tx, { habits: JSON.stringify(habits) });
}

const updateHabits = prepare<{ habits: string }>(
  "keep-habits",
  (value) => sql`
    update conversations set service = person.service, spelling = person.spelling
    from json_to_recordset(${value("habits")}::json) as person ("conversationId" bigint, service text, spelling text)
    where conversations.id = person."conversationId"`,
);

/** Takes these ids away from a conversation that still has them: nothing is there any more in HighLevel. Another contact may take that one's place. */
export async function forgetHighlevelIds(
  db: Db,
  id: number,
  { contactId, conversationId }: { contactId: string | null; conversationId: string | null },
  another: string | null,
): Promise<void> {
  const { highlevelContactId, highlevelConversationId } = conversations;
  await db
    .update(conversations)
    .set({
      highlevelContactId: sql`coalesce(nullif(${highlevelContactId}, ${contactId}), ${another})`,
      highlevelConversationId: sql`nullif(${highlevelConversationId}, ${conversationId})`,
      updatedAt: sql`now()`,
    })
    .where(eq(conversations.id, id));
}

/** Keeps who these people are in HighLevel, for conversations that are locked. */
export async function keepContactIds(tx: Db, contacts: { conversationId: number; contactId: string }[]): Promise<void> {
  if (contacts.length > 0) await keepContacts(tx, { contacts: JSON.stringify(contacts) });
}

const keepContacts = prepare<{ contacts: string }>(
  "keep-contact-ids",
  (value) => sql`
    update conversations set highlevel_contact_id = contact."contactId", updated_at = now()
    from json_to_recordset(${value("contacts")}::json) as contact ("conversationId" bigint, "contactId" text)
    where conversations.id = contact."conversationId"`,
);

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
