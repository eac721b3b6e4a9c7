import { and, desc, eq, exists, gte, isNotNull, isNull, lt, notExists, type SQL, sql } from "drizzle-orm";
import type { DeliveryState, Direction, MessageState } from "../../model.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { listNewest, maxWalked, type Page, rowsOfEach, type Walk } from "../postgres/walk-newest.ts";
import { conversations, deliveries, type Message, mappings, messages } from "../schema.ts";

export interface MessagePage {
  mappingId?: string | undefined;
  address?: string | undefined;
  state?: MessageState | undefined;
  direction?: Direction | undefined;
  deliveryState?: DeliveryState | undefined;
  /** What a machine wrote, and was not posted; or what is held, because nobody registered its sender. */
  aside?: "kept" | "held" | undefined;
  from?: Date | undefined;
  until?: Date | undefined;
  /** Only of these locations. */
  locationIds?: string[] | undefined;
  before?: number | undefined;
  limit: number;
}

/** Newest first. However few fit, it looks at no more than some thousands: then `walkedTo` says where to go on. */
export async function listMessages(db: Db, page: MessagePage): Promise<Page<{ message: Message; address: string }>> {
  const walks = await chooseWalks(db, page);
  if (walks.length === 0) return { rows: [], walkedTo: undefined };
  return listNewest(db, walks, page, (tx, ids) =>
    tx
      .select({ message: messages, address: conversations.address })
      .from(messages)
      .innerJoin(conversations, eq(conversations.id, messages.conversationId))
      .where(and(sql`${messages.id} = any(array(${ids}))`, ...conditionsOf(tx, page)))
      .orderBy(desc(messages.id))
      .limit(page.limit),
  );
}

/** By the person, by what has failed (which is rare), by the mapping, by all mappings of the locations, or all. */
async function chooseWalks(db: Db, page: MessagePage): Promise<Walk[]> {
  const { mappingId, address, state, locationIds, limit } = page;
  const isFiltered = [state, page.direction, page.deliveryState, page.aside, page.from, page.until].some(Boolean);
  const walkParts = (
    column: typeof messages.mappingId | typeof messages.conversationId,
    values: (string | number)[],
  ) => {
    const type = column === messages.mappingId ? ("uuid" as const) : ("bigint" as const);
    const rows = rowsOfEach(values.length, limit, isFiltered);
    return values.length > 0 ? [{ table: messages, parts: { column, values, type }, rows }] : [];
  };
  if (address !== undefined) return walkParts(messages.conversationId, await findPeople(db, { ...page, address }));
  if (state === "failed") return [{ table: messages, condition: eq(messages.state, state), rows: maxWalked }];
  if (mappingId !== undefined) return walkParts(messages.mappingId, [mappingId]);
  if (locationIds === undefined) return [{ table: messages, rows: rowsOfEach(1, limit, isFiltered) }];
  const mappingIds = await db
    .select({ id: mappings.id })
    .from(mappings)
    .where(isAnyOf(mappings.locationId, locationIds));
  return [
    ...walkParts(
      messages.mappingId,
      mappingIds.map(({ id }) => id),
    ),
    // What an integrator has HighLevel send has no mapping: those of all locations stand together.
    ...((await hasContacts(db, locationIds))
      ? [{ table: messages, condition: isNull(messages.mappingId), rows: maxWalked }]
      : []),
  ];
}

/** The conversations of an address, by each mapping and location that it may be on. */
async function findPeople(db: Db, page: MessagePage & { address: string }): Promise<number[]> {
  const { mappingId, address, locationIds } = page;
  const isSought = and(
    mappingId === undefined ? undefined : eq(mappings.id, mappingId),
    locationIds && isAnyOf(mappings.locationId, locationIds),
  );
  const contacts = sql`
    select found.id from locations cross join lateral (
      select id from conversations where mapping_id is null and location_id = locations.id and address = ${address}
    ) found where ${locationIds ? isAnyOf(sql`locations.id`, locationIds) : sql`true`}`;
  const people = await selectRows<{ id: number }>(
    db,
    sql`
      select found.id from ${mappings} cross join lateral (
        select id from conversations where mapping_id = ${mappings.id} and address = ${address}
      ) found where ${isSought ?? sql`true`}
      ${mappingId === undefined ? sql`union all ${contacts}` : sql``}`,
  );
  return people.map(({ id }) => id);
}

async function hasContacts(db: Db, locationIds: string[]): Promise<boolean> {
  const isContact = and(isNull(conversations.mappingId), isAnyOf(conversations.locationId, locationIds));
  return (await db.select({ id: conversations.id }).from(conversations).where(isContact).limit(1)).length > 0;
}

/** But the address: by that the walks go. */
function conditionsOf(db: Db, page: MessagePage): SQL[] {
  const conditions: SQL[] = [];
  if (page.mappingId !== undefined) conditions.push(eq(messages.mappingId, page.mappingId));
  if (page.state !== undefined) conditions.push(eq(messages.state, page.state));
  if (page.direction !== undefined) conditions.push(eq(messages.direction, page.direction));
  if (page.from !== undefined) conditions.push(gte(messages.receivedAt, page.from));
  if (page.until !== undefined) conditions.push(lt(messages.receivedAt, page.until));
  if (page.locationIds !== undefined) conditions.push(isAnyOf(conversations.locationId, page.locationIds));
  if (page.deliveryState !== undefined) {
    const inState = and(eq(deliveries.messageId, messages.id), eq(deliveries.state, page.deliveryState));
    conditions.push(exists(db.select({ id: deliveries.id }).from(deliveries).where(inState)));
  }
  const isOfMessage = eq(deliveries.messageId, messages.id);
  if (page.aside === "kept") {
    const owed = db.select({ id: deliveries.id }).from(deliveries).where(isOfMessage);
    conditions.push(isNotNull(messages.automatic), notExists(owed));
  }
  if (page.aside === "held") {
    const isHeld = and(isOfMessage, eq(deliveries.state, "dead"), eq(deliveries.reason, "unknown_sender"));
    conditions.push(exists(db.select({ id: deliveries.id }).from(deliveries).where(isHeld)));
  }
  return conditions;
}
