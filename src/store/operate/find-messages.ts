import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { maxWalked } from "../postgres/walk-newest.ts";
import { conversations, locations, mappings, messages } from "../schema.ts";

/** What somebody knows of the messages that they look for. */
export interface MessageSearch {
  /** The forms in which the person's address may be stored. */
  addresses?: string[] | undefined;
  /** HighLevel's ids of the person. */
  contactId?: string | undefined;
  conversationId?: string | undefined;
  /** Of a message: HighLevel's ids, the provider's, and the one in the email's header. */
  highlevelMessageId?: string | undefined;
  highlevelEmailMessageId?: string | undefined;
  providerMessageId?: string | undefined;
  rfcMessageId?: string | undefined;
  mappingId?: string | undefined;
  /** Only of these locations. */
  locationIds?: string[] | undefined;
}

export const namesPerson = ({ addresses, contactId, conversationId }: MessageSearch) =>
  addresses !== undefined || contactId !== undefined || conversationId !== undefined;

export const namesMessage = (search: MessageSearch) =>
  [search.highlevelMessageId, search.highlevelEmailMessageId, search.providerMessageId, search.rfcMessageId].some(
    (id) => id !== undefined,
  );

/** The conversations of a person, by each mapping and location that they may be on; only those that all that is known fits. */
export async function findPeople(db: Db, search: MessageSearch): Promise<number[]> {
  const { addresses, contactId, conversationId, mappingId } = search;
  const ways: SQL[] = [];
  const { highlevelContactId, highlevelConversationId, address } = conversations;
  if (addresses)
    ways.push(sql`${onMappings(search, addresses)} union ${ofContacts(search, isAnyOf(address, addresses))}`);
  if (contactId !== undefined) {
    const isKnown = inLocations(search, eq(highlevelContactId, contactId));
    ways.push(sql`${isKnown} union ${ofContacts(search, eq(address, contactId))}`);
  }
  if (conversationId !== undefined) ways.push(inLocations(search, eq(highlevelConversationId, conversationId)));
  if (ways.length === 0) return [];
  const isOfMapping = mappingId === undefined ? sql`true` : eq(conversations.mappingId, mappingId);
  const people = await selectRows<{ id: number }>(
    db,
    sql`select ${conversations.id} as id from (${allOf(ways)}) found join ${conversations} using (id) where ${isOfMapping}`,
  );
  return people.map(({ id }) => id);
}

function onMappings({ mappingId, locationIds }: MessageSearch, addresses: string[]): SQL {
  const isSought = and(
    mappingId === undefined ? undefined : eq(mappings.id, mappingId),
    locationIds && isAnyOf(mappings.locationId, locationIds),
  );
  return sql`
    select found.id from ${mappings} cross join lateral (
      select id from ${conversations}
      where ${conversations.mappingId} = ${mappings.id} and ${isAnyOf(conversations.address, addresses)}
    ) found where ${isSought ?? sql`true`}`;
}

/** Those whom an integrator writes to through HighLevel, on no mapping. */
function ofContacts(search: MessageSearch, isSought: SQL): SQL {
  return inLocations(search, sql`${conversations.mappingId} is null and ${isSought}`);
}

function inLocations({ locationIds }: MessageSearch, isSought: SQL | undefined): SQL {
  return sql`
    select found.id from ${locations} cross join lateral (
      select id from ${conversations} where ${conversations.locationId} = ${locations.id} and ${isSought ?? sql`true`}
    ) found where ${locationIds ? isAnyOf(locations.id, locationIds) : sql`true`}`;
}

/** By ids of theirs, each found by an index of its own. Of several ids all must fit. */
function byIds(search: MessageSearch): SQL {
  const { highlevelMessageId, highlevelEmailMessageId, providerMessageId, rfcMessageId } = search;
  const ways: SQL[] = [];
  const find = (condition: SQL) => sql`select ${messages.id} as id from ${messages} where ${condition}`;
  /** What HighLevel had us send is known by this before it has been told what became of it. */
  const requested = (id: string) => inMappings(search, eq(messages.requestedId, id));
  if (highlevelMessageId !== undefined)
    ways.push(sql`${find(eq(messages.highlevelMessageId, highlevelMessageId))} union ${requested(highlevelMessageId)}`);
  if (highlevelEmailMessageId !== undefined) {
    const isEmail = eq(messages.highlevelEmailMessageId, highlevelEmailMessageId);
    ways.push(sql`${find(isEmail)} union ${requested(highlevelEmailMessageId)}`);
  }
  if (providerMessageId !== undefined) ways.push(inMappings(search, eq(messages.providerMessageId, providerMessageId)));
  if (rfcMessageId !== undefined) {
    const bare = rfcMessageId.replace(/^<|>$/g, "").toLowerCase();
    ways.push(find(sql`${isNotNull(messages.rfcMessageId)} and lower(${messages.rfcMessageId}) = ${bare}`));
  }
  return allOf(ways);
}

/** Ids are unique within a mapping, and their indexes go by it first. */
function inMappings({ mappingId, locationIds }: MessageSearch, isSought: SQL): SQL {
  const isReached = and(
    mappingId === undefined ? undefined : eq(mappings.id, mappingId),
    locationIds && isAnyOf(mappings.locationId, locationIds),
  );
  return sql`
    select found.id from ${mappings} cross join lateral (
      select id from ${messages} where ${messages.mappingId} = ${mappings.id} and ${isSought}
    ) found where ${isReached ?? sql`true`}`;
}

const allOf = (ways: SQL[]) =>
  sql.join(
    ways.map((way) => sql`(${way})`),
    sql` intersect `,
  );

/** The newest of the messages, some thousands at most, that a search names: by ids of theirs, their person, or both. */
export async function findMessages(db: Db, search: MessageSearch): Promise<number[]> {
  const ways: SQL[] = [];
  if (namesMessage(search)) ways.push(byIds(search));
  if (namesPerson(search)) ways.push(ofPeople(await findPeople(db, search)));
  if (ways.length === 0) throw new Error("a search that names neither messages nor a person");
  const newest = sql`select id from (${allOf(ways)}) found order by id desc limit ${maxWalked}`;
  return (await selectRows<{ id: number }>(db, newest)).map(({ id }) => id);
}

function ofPeople(conversationIds: number[]): SQL {
  return sql`
    select newest.id from unnest(${sql.param(conversationIds)}::bigint[]) as person (id) cross join lateral (
      select ${messages.id} as id from ${messages} where ${messages.conversationId} = person.id
      order by ${messages.id} desc limit ${maxWalked}
    ) newest`;
}

/** One number for each beginning that those of these locations have: enough to tell the countries that they are of. */
export async function listOwnNumbers(db: Db, locationIds: string[] | undefined): Promise<string[]> {
  const isReached = locationIds ? isAnyOf(mappings.locationId, locationIds) : sql`true`;
  const numbers = await selectRows<{ address: string }>(
    db,
    sql`
      select distinct on (left(address, 4)) address from ${mappings}
      where ${isReached} and ${mappings.deletedAt} is null and starts_with(address, '+')
      order by left(address, 4)`,
  );
  return numbers.map(({ address }) => address);
}
