import { and, desc, eq, inArray, isNull, type SQL, sql } from "drizzle-orm";
import { type ConsentCause, type OptOutChannel, optOutChannels } from "../../model.ts";
import { isThere } from "../deliveries.ts";
import { inLockOrder, wakeLocked } from "../lanes/wake-lanes.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import { columnsOf } from "../postgres/columns.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import { listNewest, maxWalked, type Page, rowsOfEach, type Walk } from "../postgres/walk-newest.ts";
import { conversations, lanes, locations, type OptOut, optOuts } from "../schema.ts";

/** Whom a location writes to. */
export interface Addressee {
  locationId: string;
  address: string;
}

/** What a person's opt-out is known by. */
export interface OptOutKey extends Addressee {
  channel: OptOutChannel;
}

/** Who is about to be written to, and what that is. */
export interface Recipient extends Addressee {
  channels: readonly OptOutChannel[];
}

export const personKeyOf = ({ locationId, address }: Addressee) => `${locationId} ${address}`;
export const keyOf = ({ channel, ...person }: OptOutKey) => `${channel} ${personKeyOf(person)}`;

/**
 * Advisory locks, of which a server has some thousands for all: people share them, so that no number of people takes more
 * than these. Who shares one with somebody waits for them now and then.
 */
const locks = { space: 0x0b7007, count: 256 };
const lockOf = (person: SQL) => sql`(hashtextextended(${person}, 0) & ${sql.raw(String(locks.count - 1))})::int`;
const space = sql.raw(String(locks.space));

/**
 * The opt-outs of these people, also lifted ones, for the transaction that may change them: until it ends nobody begins to
 * send to any of them.
 */
export async function lockOptOuts(tx: Db, sought: OptOutKey[]): Promise<Map<string, OptOut>> {
  if (sought.length === 0) return new Map();
  const wanted = new Set(sought.map(keyOf));
  const people = JSON.stringify([...new Set(sought.map(personKeyOf))]);
  await tx.execute(sql`
    select pg_advisory_xact_lock(${space}, lock) from (
      select distinct ${lockOf(sql`value`)} as lock from json_array_elements_text(${people}::json) order by lock
    ) locks`);
  // Each column by itself: to join them would look through a location once a person where PostgreSQL knows the table from before.
  const different = (name: keyof OptOutKey) => [...new Set(sought.map((key) => key[name]))];
  const rows = await tx
    .select()
    .from(optOuts)
    .where(
      and(
        isAnyOf(optOuts.locationId, different("locationId")),
        isAnyOf(optOuts.channel, different("channel")),
        isAnyOf(optOuts.address, different("address")),
      ),
    );
  return new Map(rows.map((row) => [keyOf(row), row] as const).filter(([key]) => wanted.has(key)));
}

/**
 * An opt-out that stands and holds for this. It is not changed until the transaction ends, and none is made: what begins
 * in it has begun before any that is committed later.
 */
export async function findStanding(tx: Db, recipient: Recipient): Promise<OptOut | undefined> {
  // Two statements: the second one sees what was committed while the first one waited.
  await shareLock(tx, { person: personKeyOf(recipient) });
  return findHolding(tx, recipient);
}

/** The same as it is now: whoever is about to send asks `findStanding`. */
export async function findHolding(db: Db, recipient: Recipient): Promise<OptOut | undefined> {
  return (await listOptOutsOf(db, recipient)).find((optOut) => holdsFor(optOut, recipient));
}

const shareLock = prepare<{ person: string }>(
  "share-opt-out-lock",
  (value) => sql`select pg_advisory_xact_lock_shared(${space}, ${lockOf(sql`${value("person")}::text`)})`,
);

/**
 * What is of all texts, `sms`, holds for each of them; but DND for SMS that somebody set in HighLevel says nothing of what has DND
 * of its own there.
 */
function holdsFor({ channel, cause, liftedAt }: OptOut, { channels }: Pick<Recipient, "channels">): boolean {
  const isOfAllTexts = channel === "sms" && cause !== "highlevel";
  return liftedAt === null && (channels.includes(channel) || (isOfAllTexts && !channels.includes("email")));
}

/** All of a person, whether they stand or not. */
export async function listOptOutsOf(db: Db, person: Addressee): Promise<OptOut[]> {
  return (await selectOptOuts(db, person)).map(optOutColumns.read);
}

const optOutColumns = columnsOf<OptOut>(optOuts);

const selectOptOuts = prepare<Addressee, Record<string, unknown>>(
  "select-opt-outs",
  (value) => sql`
    select ${optOutColumns.list} from opt_outs
    where location_id = ${value("locationId")} and address = ${value("address")}
      and channel in ${sql.raw(`('${optOutChannels.join("', '")}')`)}
    order by id`,
);

/** One, whether it stands or not. */
export async function findOptOut(db: Db, key: OptOutKey): Promise<OptOut | undefined> {
  return (await listOptOutsOf(db, key)).find(({ channel }) => channel === key.channel);
}

/** With `locationIds` only if it is of one of these. */
export async function findOptOutById(
  db: Db,
  id: number,
  { locationIds }: { locationIds?: string[] | undefined } = {},
): Promise<OptOut | undefined> {
  const [found] = await db
    .select()
    .from(optOuts)
    .where(and(eq(optOuts.id, id), locationIds && isAnyOf(optOuts.locationId, locationIds)));
  return found;
}

/** What a change leaves of a person's opt-out. */
export interface OptOutChange extends OptOutKey {
  cause: ConsentCause;
  detail: string | null;
  messageId: number | null;
  /** By what it ended; null where it stands. */
  liftedBy: ConsentCause | null;
}

/**
 * Keeps what was changed, with the time; each opt-out at most once. What stands for the same cause stands since it did. Gives
 * the rows.
 */
export async function keepOptOuts(tx: Db, changes: OptOutChange[]): Promise<OptOut[]> {
  if (changes.length === 0) return [];
  const rows = await selectRows<Record<string, unknown>>(
    tx,
    sql`
      insert into opt_outs (location_id, channel, address, cause, detail, message_id, lifted_by, lifted_at)
      select "locationId", channel, address, cause, detail, "messageId", "liftedBy", case when "liftedBy" is not null then now() end
      from json_to_recordset(${JSON.stringify(changes)}::json) as input (
        "locationId" text, channel text, address text, cause text, detail text, "messageId" bigint, "liftedBy" text
      )
      on conflict (location_id, channel, address) do update
      set cause = excluded.cause, detail = excluded.detail, message_id = excluded.message_id,
        lifted_by = excluded.lifted_by, lifted_at = excluded.lifted_at,
        opted_out_at = case
          when excluded.lifted_at is null and (opt_outs.lifted_at is not null or opt_outs.cause <> excluded.cause) then now()
          else opt_outs.opted_out_at
        end
      returning ${optOutColumns.list}`,
  );
  return rows.map(optOutColumns.read);
}

/** Whose conversations a delivery about these people may stand in: the newest of each that HighLevel knows, else the newest. */
export async function findConversationsFor(tx: Db, people: Addressee[]): Promise<Map<string, number>> {
  if (people.length === 0) return new Map();
  const rows = await selectRows<Addressee & { id: number }>(
    tx,
    sql`
      select input."locationId", input.address, found.id::float8 as id
      from json_to_recordset(${JSON.stringify(people)}::json) as input ("locationId" text, address text)
      cross join lateral (
        select c.id from mappings m join conversations c on c.mapping_id = m.id and c.address = input.address
        where m.location_id = input."locationId"
        order by c.highlevel_contact_id is null, c.id desc limit 1
      ) found`,
  );
  return new Map(rows.map((row) => [personKeyOf(row), row.id]));
}

/**
 * Has what waits to be sent to these people looked at again: at once, or when whoever holds a lane gives it back. It is for the
 * transaction that keeps their opt-outs: what begins to wait before its end finds out then.
 */
export async function wakeSendsTo(tx: Db, people: Addressee[]): Promise<void> {
  if (people.length === 0) return;
  await tx.execute(sql`
    with locked as (
      select lanes.conversation_id, lanes.kind
      from json_to_recordset(${JSON.stringify(people)}::json) as input ("locationId" text, address text)
      join mappings m on m.location_id = input."locationId"
      join conversations c on c.mapping_id = m.id and c.address = input.address
      join lanes on lanes.conversation_id = c.id and lanes.kind = 'send-outbound' and lanes.due_at is not null
      ${inLockOrder}
    )
    ${wakeLocked}`);
}

/** Is there a delivery that will tell HighLevel of it, in this conversation? */
export function isDndPending(db: Db, conversationId: number): Promise<boolean> {
  return isThere(db, "set-dnd", { conversationId, states: ["pending"] });
}

/** Was HighLevel ever owed a word on it in this conversation? */
export async function wasDndOwed(db: Db, conversationId: number): Promise<boolean> {
  const [found] = await db
    .select({ kind: lanes.kind })
    .from(lanes)
    .where(and(eq(lanes.conversationId, conversationId), eq(lanes.kind, "set-dnd")));
  return found !== undefined;
}

/**
 * The addresses by which a contact was written with, numbers as they are today: where there was a conversation by either before, one
 * is still kept by the former.
 */
export async function listAddressesOf(tx: Db, locationId: string, contactId: string): Promise<string[]> {
  const rows = await tx
    .selectDistinct({ address: sql<string>`${numberOfToday(sql`${conversations.address}`)}` })
    .from(conversations)
    .where(
      and(
        eq(conversations.locationId, locationId),
        eq(conversations.highlevelContactId, contactId),
        sql`${conversations.mappingId} is not null`,
      ),
    )
    .limit(100);
  return rows.map(({ address }) => address);
}

/** As `numberOfToday` of the formats has it. */
const numberOfToday = (address: SQL) => sql`
  regexp_replace(regexp_replace(${address}, '^(\\+55[1-9][1-9])([6-9]\\d{7})$', '\\19\\2'), '^\\+521([2-9]\\d{9})$', '+52\\1')`;

/** The first opt-out that holds for this of a contact's addresses, and of the one that is named besides. */
export async function findContactsOptOut(
  db: Db,
  about: Omit<Recipient, "address"> & { contactId: string; named: string | undefined },
): Promise<OptOut | undefined> {
  const { channels, named, ...contact } = about;
  const rows = await listContactsOptOuts(db, contact, named === undefined ? [] : [named]);
  return rows.find((optOut) => holdsFor(optOut, { channels }));
}

/** All of the addresses by which a contact was written with, and of those that are named besides, whether they stand or not. */
export async function listContactsOptOuts(
  db: Db,
  { locationId, contactId }: { locationId: string; contactId: string },
  named: string[] = [],
): Promise<OptOut[]> {
  const addresses = [...(await listAddressesOf(db, locationId, contactId)), ...named];
  if (addresses.length === 0) return [];
  return db
    .select()
    .from(optOuts)
    .where(
      and(
        eq(optOuts.locationId, locationId),
        isAnyOf(optOuts.channel, optOutChannels),
        isAnyOf(optOuts.address, addresses),
      ),
    )
    .orderBy(optOuts.id);
}

/** A number or mailbox of an account that has come to a location. */
export interface ArrivedNumber {
  accountId: string;
  address: string;
  locationId: string;
  /** What opt-outs of its people may be of. */
  channels: readonly OptOutChannel[];
  /** Those of its channel. */
  providers: readonly string[];
}

/** Where it was before, and when it left each place for good. */
const placesBefore = ({ accountId, address, locationId }: ArrivedNumber) => sql`
  select location_id, max(deleted_at) as left_at from mappings
  where account_id = ${accountId} and address = ${address} and deleted_at is not null and location_id <> ${locationId}
  group by location_id`;

/**
 * Who is not to be written to by it, as the location knows it where it was last; without what was set in HighLevel, and without
 * what is not newer than what this location knows. Those are meant who have a conversation with it; and who has none with anybody, where
 * no other number of the location can have been told.
 */
export async function listOptOutsOfNumber(tx: Db, number: ArrivedNumber): Promise<OptOut[]> {
  const { accountId, address, locationId, channels, providers } = number;
  const isOther = sql`not (m.account_id = ${accountId} and m.address = ${address})`;
  const rows = await selectRows<Record<string, unknown>>(
    tx,
    sql`
      with former as (
        select location_id from (${placesBefore(number)}) places order by left_at desc limit 1
      )
      select ${optOutColumns.list} from opt_outs join former using (location_id)
      left join opt_outs own on own.location_id = ${locationId} and own.channel = opt_outs.channel and own.address = opt_outs.address
      where ${isAnyOf(optOuts.channel, channels)} and opt_outs.lifted_at is null and opt_outs.cause <> 'highlevel'
        and (own.lifted_at is null or own.lifted_at < opt_outs.opted_out_at) and (
        exists (
          select from conversations c join mappings m on m.id = c.mapping_id
          where m.account_id = ${accountId} and m.address = ${address} and m.location_id = opt_outs.location_id
            and c.address = opt_outs.address
        ) or not exists (
          select from mappings m where m.location_id = opt_outs.location_id and ${isOther}
            and m.provider = any(${sql.param([...providers])}::text[])
        ) and not exists (
          select from mappings m join conversations c on c.mapping_id = m.id
          where m.location_id = opt_outs.location_id and c.address = opt_outs.address
        )
      )`,
  );
  return rows.map(optOutColumns.read);
}

/**
 * Who has said to it elsewhere, by one of these causes, that they may be written to again, after what they had said to it here: where
 * the opt-out is known to be of it.
 */
export async function listLiftsOfNumber(
  tx: Db,
  number: ArrivedNumber,
  causes: readonly ConsentCause[],
): Promise<{ channel: OptOutChannel; address: string; liftedBy: ConsentCause }[]> {
  const { accountId, address, locationId, channels } = number;
  return selectRows(
    tx,
    sql`
      select distinct on (own.channel, own.address) own.channel, own.address, lifted.lifted_by as "liftedBy"
      from opt_outs own
      join opt_outs lifted on lifted.channel = own.channel and lifted.address = own.address
        and lifted.lifted_at > own.opted_out_at and lifted.lifted_by = any(${sql.param([...causes])}::text[])
      join (${placesBefore(number)}) places on places.location_id = lifted.location_id
      where own.location_id = ${locationId} and ${isAnyOf(sql`own.channel`, channels)} and own.lifted_at is null and (
        date_trunc('milliseconds', lifted.opted_out_at) = date_trunc('milliseconds', own.opted_out_at) or exists (
          select from messages said join mappings m on m.id = said.mapping_id
          where said.id = own.message_id and m.account_id = ${accountId} and m.address = ${address}
        )
      )
      order by own.channel, own.address, lifted.lifted_at desc`,
  );
}

/** Since when they are not to be written to. */
export async function keepTimes(tx: Db, times: { id: number; optedOutAt: Date }[]): Promise<void> {
  if (times.length === 0) return;
  await tx.execute(sql`
    update opt_outs set opted_out_at = input."optedOutAt"
    from json_to_recordset(${JSON.stringify(times)}::json) as input (id bigint, "optedOutAt" timestamptz)
    where opt_outs.id = input.id`);
}

export interface OptOutFilter {
  /** Only of these locations. */
  locationIds?: string[] | undefined;
  channel?: OptOutChannel | undefined;
  addresses?: string[] | undefined;
  cause?: ConsentCause | undefined;
  /** Also those that were lifted. */
  isWithLifted?: boolean | undefined;
}

/** Leaves of these people's opt-outs that there are any, and why. */
export async function eraseDetails(
  tx: Db,
  { addresses, locationIds }: { addresses: string[]; locationIds: string[] | undefined },
): Promise<void> {
  await tx
    .update(optOuts)
    .set({ detail: null })
    .where(and(inArray(optOuts.address, addresses), locationIds && isAnyOf(optOuts.locationId, locationIds)));
}

/** Newest first. However few fit, it looks at no more than some thousands: then `walkedTo` says where to go on. */
export async function listOptOuts(
  db: Db,
  page: OptOutFilter & { before?: number | undefined; limit: number },
): Promise<Page<OptOut>> {
  const { channel, cause, isWithLifted, limit } = page;
  const isWanted = and(
    channel && eq(optOuts.channel, channel),
    cause && eq(optOuts.cause, cause),
    isWithLifted ? undefined : isNull(optOuts.liftedAt),
  );
  return listNewest(db, walkOptOuts(page, isWanted !== undefined), page, (tx, isWalked) =>
    tx.select().from(optOuts).where(and(isWalked, isWanted)).orderBy(desc(optOuts.id)).limit(limit),
  );
}

/** By the people, of whom a location has one row for each channel; by the locations; or all. */
function walkOptOuts({ addresses, locationIds, limit }: OptOutFilter & { limit: number }, isFiltered: boolean): Walk[] {
  if (addresses) {
    const isReached = locationIds ? isAnyOf(locations.id, locationIds) : sql`true`;
    const found = sql`
      select found.id from ${locations} cross join lateral (
        select id from ${optOuts} where ${optOuts.locationId} = ${locations.id}
          and ${isAnyOf(optOuts.channel, optOutChannels)} and ${isAnyOf(optOuts.address, addresses)}
      ) found where ${isReached}`;
    return [{ table: optOuts, condition: sql`${optOuts.id} = any(array(${found}))`, rows: maxWalked }];
  }
  if (!locationIds) return [{ table: optOuts, rows: rowsOfEach(1, limit, isFiltered) }];
  const parts = { column: optOuts.locationId, values: locationIds, type: "text" as const };
  return locationIds.length > 0
    ? [{ table: optOuts, parts, rows: rowsOfEach(locationIds.length, limit, isFiltered) }]
    : [];
}
