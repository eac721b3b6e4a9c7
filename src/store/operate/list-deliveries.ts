import { and, desc, eq, gte, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { FailureReason } from "../../errors.ts";
import type { DeliveryKind, DeliveryState } from "../../model.ts";
import { isOfLocations, toldEndpoint } from "../deliveries.ts";
import type { Db } from "../postgres/database.ts";
import { listNewest, maxWalked, type Page, rowsOfEach, type Walk } from "../postgres/walk-newest.ts";
import { conversations, type Delivery, deliveries, isEvent, isWithoutMessage, messages } from "../schema.ts";
import { findMessages, findPeople, type MessageSearch, namesMessage, namesPerson } from "./find-messages.ts";

export interface DeliveryFilter {
  state?: DeliveryState | undefined;
  kind?: DeliveryKind | undefined;
  reason?: FailureReason | undefined;
  /** The provider's, of a send that it refused; `none` for those without one. */
  code?: string | undefined;
  mappingId?: string | undefined;
  /** When it was owed first. */
  from?: Date | undefined;
  until?: Date | undefined;
  /** Only of these locations. */
  locationIds?: string[] | undefined;
}

/** A delivery, and whom it is about. */
export interface ListedDelivery {
  delivery: Delivery;
  mappingId: string | null;
  locationId: string;
  /** The person's; null for an event that is about none. */
  address: string | null;
  /** Which is told of an event. */
  endpointId: string | null;
}

/**
 * Newest first: all, or the dead or the pending ones, which have indexes of their own, or those of a search, by their
 * messages, and by the person where there is none. Of those it looks at no more than some thousands, however few fit: then `walkedTo` says where to go on.
 */
export async function listDeliveries(
  db: Db,
  page: DeliveryFilter & MessageSearch & { before?: number | undefined; limit: number },
): Promise<Page<ListedDelivery>> {
  const walks = await walkDeliveries(db, page);
  return listNewest(db, walks, page, (tx, isWalked) =>
    selectListed(tx)
      .where(and(isWalked, ...conditionsOf(page)))
      .orderBy(desc(deliveries.id))
      .limit(page.limit),
  );
}

/** Of a delivery with its message and its conversation: which mapping it is of. */
export const mappingOf = sql<string | null>`case when ${deliveries.kind} = 'fetch-mail' then ${conversations.mappingId}
  else ${messages.mappingId} end`;

/** By what code the provider refused to send it; null for what is no send. */
export const codeOf = sql<
  string | null
>`case when ${deliveries.kind} = 'send-outbound' then coalesce(${messages.error}->>'code', 'none') end`;

/** Deliveries with whom they are about. */
export const selectListed = (db: Db) =>
  db
    .select({
      delivery: deliveries,
      mappingId: mappingOf,
      locationId: conversations.locationId,
      address: sql<string | null>`case when ${deliveries.kind} <> 'post-event' then ${conversations.address} else
        (select person.address from conversations person where person.id = ${messages.conversationId}) end`,
      endpointId: toldEndpoint,
    })
    .from(deliveries)
    .leftJoin(messages, eq(messages.id, deliveries.messageId))
    .innerJoin(conversations, eq(conversations.id, deliveries.conversationId));

/** None where nothing can fit. */
export async function walkDeliveries(db: Db, page: Parameters<typeof listDeliveries>[1]): Promise<Walk[]> {
  const { state, locationIds, limit } = page;
  if (namesMessage(page) || namesPerson(page)) {
    const ofMessages = { column: deliveries.messageId, values: await findMessages(db, page) };
    const ofPeople = {
      column: deliveries.conversationId,
      values: namesMessage(page) ? [] : await findPeople(db, page),
    };
    const walks = [{ parts: ofMessages }, { parts: ofPeople, condition: isWithoutMessage }];
    return walks
      .filter(({ parts }) => parts.values.length > 0)
      .map((walk) => ({ table: deliveries, ...walk, parts: { ...walk.parts, type: "bigint" }, rows: limit }));
  }
  if (state === "dead" && locationIds) return walkDeadOf(locationIds);
  const isInIndex = state === "dead" || state === "pending";
  const isFiltered = conditionsOf(page).length > (isInIndex ? 1 : 0);
  const condition = isInIndex ? eq(deliveries.state, state) : undefined;
  if (state === "pending") {
    const parts = { column: isEvent(deliveries.kind), values: [0, 1], type: "int" as const };
    return [{ table: deliveries, condition, parts, rows: rowsOfEach(2, limit, isFiltered), isFleeting: true }];
  }
  return [{ table: deliveries, condition, rows: rowsOfEach(1, limit, isFiltered) }];
}

/** Those of which it was not kept where they died, as earlier versions did, are among the newest of all of them. */
function walkDeadOf(locationIds: string[]): Walk[] {
  const walk = { table: deliveries, rows: maxWalked };
  const isDead = eq(deliveries.state, "dead");
  const parts = { column: deliveries.diedIn, values: locationIds, type: "text" as const, areFew: true };
  const inNone = { ...walk, condition: and(isDead, isNull(deliveries.diedIn)) };
  return locationIds.length > 0 ? [{ ...walk, condition: isDead, parts }, inNone] : [];
}

/** What the rows of deliveries, with their messages, must fit. */
export function conditionsOf(filter: DeliveryFilter): SQL[] {
  const conditions: SQL[] = [];
  if (filter.state !== undefined) conditions.push(eq(deliveries.state, filter.state));
  if (filter.kind !== undefined) conditions.push(eq(deliveries.kind, filter.kind));
  if (filter.reason !== undefined) conditions.push(eq(deliveries.reason, filter.reason));
  if (filter.code !== undefined) conditions.push(sql`${codeOf} = ${filter.code}`);
  if (filter.mappingId !== undefined) conditions.push(isOfMapping(filter.mappingId));
  if (filter.from !== undefined) conditions.push(gte(deliveries.createdAt, filter.from));
  if (filter.until !== undefined) conditions.push(lt(deliveries.createdAt, filter.until));
  if (filter.locationIds !== undefined) conditions.push(isOfLocations(filter.locationIds));
  return conditions;
}

/** A mail that is still to be fetched is of its conversation's. */
const isOfMapping = (id: string) => sql`(${messages.mappingId} = ${id} or ${deliveries.kind} = 'fetch-mail'
  and ${deliveries.conversationId} in (select id from conversations where mapping_id = ${id}))`;
