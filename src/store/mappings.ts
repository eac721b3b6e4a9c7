import { and, asc, desc, eq, gt, inArray, isNull, ne, notLike, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { HighlevelMessageType } from "../model.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import { columnsOf } from "./postgres/columns.ts";
import { type Db, selectRows } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import {
  type AccountRow,
  accounts,
  conversations,
  type MappingRow,
  mappings,
  messages,
  type NewMapping,
} from "./schema.ts";

/** Throws PostgreSQL's 23505 when another mapping of the location, or of the account, stands for the same address at the provider. */
export async function insertMapping(db: Db, mapping: NewMapping): Promise<MappingRow> {
  const [stored] = await db.insert(mappings).values(mapping).returning();
  return stored as MappingRow;
}

/** Of a location, with those that were deleted within a day; no more are counted than `most`. */
export async function countMappingsOf(db: Db, locationId: string, most: number): Promise<number> {
  const isCounted = sql`${mappings.deletedAt} is null or ${mappings.deletedAt} > now() - interval '1 day'`;
  const some = sql`select from ${mappings} where ${mappings.locationId} = ${locationId} and (${isCounted}) limit ${most}`;
  const [found] = await selectRows<{ count: number }>(db, sql`select count(*)::int as count from (${some}) counted`);
  return found?.count ?? 0;
}

const mappingColumns = columnsOf<MappingRow>(mappings);

/** An address of ours at an account, to which something was sent. */
export interface MappingKey {
  accountId: string;
  address: string;
}

/** Mappings that stand for these addresses, the deleted ones too: something may have been acknowledged before. */
export async function findMappingsByKeys(tx: Db, keys: MappingKey[]): Promise<MappingRow[]> {
  return keys.length === 0 ? [] : (await selectByKeys(tx, { keys: JSON.stringify(keys) })).map(mappingColumns.read);
}

const selectByKeys = prepare<{ keys: string }, Record<string, unknown>>(
  "find-mappings",
  (value) => sql`
    select ${mappingColumns.list}
    from (
      select distinct * from json_to_recordset(${value("keys")}::json) as input ("accountId" uuid, address text)
    ) sought
    join mappings on mappings.account_id = sought."accountId" and mappings.address = sought.address`,
);

/**
 * Until the transaction ends no other import into the account goes on: two of the same numbers in other orders would wait for
 * each other. It keeps nobody else waiting.
 */
export async function lockForImport(tx: Db, accountId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`import ${accountId}`}, 0))`);
}

export async function findMappings(tx: Db, ids: string[]): Promise<MappingRow[]> {
  return ids.length === 0
    ? []
    : tx
        .select()
        .from(mappings)
        .where(isAnyOf(mappings.id, ids, "uuid"));
}

/** Also a deleted one: look at `deletedAt`. */
export async function findMapping(db: Db, id: string): Promise<MappingRow | undefined> {
  const [mapping] = await db.select().from(mappings).where(eq(mappings.id, id));
  return mapping;
}

/** Deleted ones too, of deleted accounts. */
export async function findMappingWithAccount(
  db: Db,
  id: string,
): Promise<{ mapping: MappingRow; account: AccountRow } | undefined> {
  const [found] = await db
    .select({ mapping: mappings, account: accounts })
    .from(mappings)
    .innerJoin(accounts, eq(accounts.id, mappings.accountId))
    .where(eq(mappings.id, id));
  return found;
}

export async function findMappingByAddress(
  db: Db,
  { locationId, provider, address }: { locationId: string; provider: string; address: string },
): Promise<MappingRow | undefined> {
  const isSame = and(
    eq(mappings.locationId, locationId),
    eq(mappings.provider, provider),
    eq(mappings.address, address),
    isNull(mappings.deletedAt),
  );
  const [mapping] = await db.select().from(mappings).where(isSame);
  return mapping;
}

export async function listMappings(
  db: Db,
  page: {
    locationId?: string | undefined;
    accountId?: string | undefined;
    /** Any of these. */
    addresses?: string[] | undefined;
    /** Only of these locations. */
    locationIds?: string[] | undefined;
    after?: string | undefined;
    limit: number;
  },
): Promise<MappingRow[]> {
  const conditions: SQL[] = [isNull(mappings.deletedAt)];
  if (page.locationId !== undefined) conditions.push(eq(mappings.locationId, page.locationId));
  if (page.addresses !== undefined) conditions.push(isAnyOf(mappings.address, page.addresses));
  if (page.accountId !== undefined) conditions.push(eq(mappings.accountId, page.accountId));
  if (page.locationIds !== undefined) conditions.push(isAnyOf(mappings.locationId, page.locationIds));
  if (page.after !== undefined) conditions.push(gt(mappings.id, page.after));
  return db
    .select()
    .from(mappings)
    .where(and(...conditions))
    .orderBy(asc(mappings.id))
    .limit(page.limit);
}

export async function listLocationsOfAccount(db: Db, accountId: string): Promise<string[]> {
  const rows = await db
    .selectDistinct({ locationId: mappings.locationId })
    .from(mappings)
    .where(and(eq(mappings.accountId, accountId), isNull(mappings.deletedAt)));
  return rows.map(({ locationId }) => locationId);
}

export async function updateMapping(
  db: Db,
  id: string,
  change: Partial<Omit<NewMapping, "id">>,
): Promise<MappingRow | undefined> {
  const [stored] = await db
    .update(mappings)
    .set({ ...change, updatedAt: sql`now()` })
    .where(and(eq(mappings.id, id), isNull(mappings.deletedAt)))
    .returning();
  return stored;
}

/** Who is written to, and by whom. */
export interface SendingAbout {
  locationId: string;
  contactId: string | undefined;
  /** The contact's number or mailbox, as it is stored. */
  address?: string | undefined;
  /** HighLevel's id of the agent. */
  userId?: string | undefined;
  /** Those of the message's channel. */
  providers: string[];
  /** Of an email: from which mailbox HighLevel shows it to be. */
  fromMailbox?: string | undefined;
  /** Of a chat that only mappings of the same type can send. */
  chatType?: string | undefined;
  /** By which a text is to go: what sends it is of that type, or of one of these providers. */
  service?: { type: string; providers: string[] } | undefined;
  /** Goes to a number, which no chat has that knows people by their ids. */
  isToNumber?: boolean | undefined;
}

/**
 * The mapping of the newest message with this contact, or with its address: of that HighLevel may know several contacts. For one
 * that was deleted it gives the one that stands for its address now. What was imported counts where nothing has come or gone live.
 */
export async function findLastMapping(tx: Db, about: SendingAbout): Promise<string | undefined> {
  const { locationId, contactId, address } = about;
  const isThePerson = sql`${conversations.id} in (
    select id from conversations where location_id = ${locationId} and highlevel_contact_id = ${contactId ?? ""}
    union all
    select own.id from mappings join conversations own on own.mapping_id = mappings.id
    where mappings.location_id = ${locationId} and own.address = ${address ?? ""}
  )`;
  const former = alias(mappings, "former");
  const present = sql`case when ${former.deletedAt} is null then ${former.id} else (
    select id from ${mappings} again
    where location_id = ${locationId} and address = ${former.address} and deleted_at is null
    order by provider = ${former.provider} desc limit 1
  ) end`;
  const ofIt = sql`from ${messages} where ${messages.conversationId} = ${conversations.id} and ${messages.origin}`;
  const [last] = await tx
    .select({ id: mappings.id })
    .from(conversations)
    .innerJoin(former, eq(former.id, conversations.mappingId))
    .innerJoin(mappings, eq(mappings.id, present))
    .where(and(canSend(about), isThePerson))
    .orderBy(
      sql`(select max(${messages.id}) ${ofIt} <> 'import') desc nulls last`,
      // For this all of a conversation is read: not where the first one has told.
      sql`case when not exists (select ${ofIt} <> 'import') then (select max(${messages.sentAt}) ${ofIt} = 'import') end desc nulls last`,
    )
    .limit(1);
  return last?.id;
}

/**
 * The mappings that may send to whoever has written by none of them, at most so many: those of the agent first, then the default
 * one, then the oldest. A chat that knows people by their ids is none, unless the message is of its type.
 */
export async function listSendingMappings(
  tx: Db,
  about: SendingAbout,
  limit: number,
): Promise<Pick<MappingRow, "id" | "provider" | "address" | "type" | "isDefault" | "userIds">[]> {
  const { id, provider, address, type, isDefault, userIds } = mappings;
  const isOfAgent = sql`coalesce(${about.userId ?? ""} = any(${mappings.userIds}), false)`;
  return tx
    .select({ id, provider, address, type, isDefault, userIds })
    .from(mappings)
    .where(canSend({ ...about, isToNumber: about.chatType === undefined }))
    .orderBy(desc(isOfAgent), desc(mappings.isDefault), asc(mappings.createdAt))
    .limit(limit);
}

const canSend = ({ locationId, providers, chatType, service, isToNumber }: SendingAbout) =>
  and(
    eq(mappings.locationId, locationId),
    inArray(mappings.provider, providers),
    isNull(mappings.deletedAt),
    chatType === undefined ? ne(mappings.type, "Call") : sql`${mappings.type} = ${chatType}`,
    service &&
      or(eq(mappings.type, service.type as HighlevelMessageType), inArray(mappings.provider, service.providers)),
    isToNumber ? notLike(mappings.address, "id:%") : undefined,
  );

/**
 * The location whose mapping stands for a conversation provider, of those that the caller reaches; undefined also when
 * several have one. Nobody else's mapping counts: an integrator may write anybody's id into its own.
 */
export async function findProviderLocation(
  db: Db,
  conversationProviderId: string,
  { locationIds }: { locationIds?: string[] | undefined } = {},
): Promise<string | undefined> {
  const [only, another] = await db
    .selectDistinct({ locationId: mappings.locationId })
    .from(mappings)
    .where(
      and(
        eq(mappings.conversationProviderId, conversationProviderId),
        isNull(mappings.deletedAt),
        locationIds && isAnyOf(mappings.locationId, locationIds),
      ),
    )
    .limit(2);
  return another ? undefined : only?.locationId;
}

/** What goes by a location's mapping that stands for a conversation provider; undefined where there is none. */
export async function findProviderMapping(
  db: Db,
  locationId: string,
  conversationProviderId: string,
): Promise<Pick<MappingRow, "type" | "provider"> | undefined> {
  const [found] = await db
    .select({ type: mappings.type, provider: mappings.provider })
    .from(mappings)
    .where(
      and(
        eq(mappings.locationId, locationId),
        eq(mappings.conversationProviderId, conversationProviderId),
        isNull(mappings.deletedAt),
      ),
    )
    .limit(1);
  return found;
}

/** Of a location's mappings with these providers, only this one stays the default. */
export async function keepOneDefault(
  tx: Db,
  mapping: { id: string; locationId: string },
  providers: string[],
): Promise<void> {
  await tx
    .update(mappings)
    .set({ isDefault: false, updatedAt: sql`now()` })
    .where(
      and(
        eq(mappings.locationId, mapping.locationId),
        inArray(mappings.provider, providers),
        ne(mappings.id, mapping.id),
        eq(mappings.isDefault, true),
      ),
    );
}

/** Keeps the type that HighLevel accepted. */
export async function keepMappingType(db: Db, id: string, type: HighlevelMessageType): Promise<void> {
  await db.update(mappings).set({ type, updatedAt: sql`now()` }).where(eq(mappings.id, id));
}

/** Whether its deliveries go on, from the next claim on. One that is paused already keeps its time. */
export async function pauseMapping(db: Db, id: string, isPaused: boolean): Promise<MappingRow | undefined> {
  const [changed] = await db
    .update(mappings)
    .set({ pausedAt: isPaused ? sql`coalesce(${mappings.pausedAt}, now())` : null, updatedAt: sql`now()` })
    .where(and(eq(mappings.id, id), isNull(mappings.deletedAt)))
    .returning();
  return changed;
}

/** What was acknowledged before is still delivered, also of one that was paused. */
export async function deleteMapping(db: Db, id: string, movedTo?: string): Promise<boolean> {
  const deleted = await db
    .update(mappings)
    .set({ deletedAt: sql`now()`, pausedAt: null, updatedAt: sql`now()`, movedTo: movedTo ?? null })
    .where(and(eq(mappings.id, id), isNull(mappings.deletedAt)))
    .returning({ id: mappings.id });
  return deleted.length > 0;
}
