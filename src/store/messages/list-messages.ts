import { and, desc, eq, exists, gte, inArray, isNotNull, isNull, lt, ne, not, type SQL, sql } from "drizzle-orm";
import { type FailureReason, heldReasons, windowReasons } from "../../errors.ts";
import type { DeliveryState, Direction, MessageState } from "../../model.ts";
import { findMessages, findPeople, type MessageSearch, namesMessage, namesPerson } from "../operate/find-messages.ts";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { listNewest, maxWalked, type Page, rowsOfEach, type Walk } from "../postgres/walk-newest.ts";
import { conversations, deliveries, isReasonOfNow, type Message, mappings, messages } from "../schema.ts";

export interface MessagePage extends MessageSearch {
  /** Ours, of people that were found already. */
  conversationIds?: number[] | undefined;
  state?: MessageState | undefined;
  direction?: Direction | undefined;
  deliveryState?: DeliveryState | undefined;
  /** What a machine wrote, and was not posted; or what is held, because nobody registered its sender. */
  aside?: "kept" | "held" | undefined;
  /** By mappings of these. */
  providers?: string[] | undefined;
  /** Of something that is owed for it, or was given up. */
  reason?: FailureReason | undefined;
  hasFiles?: boolean | undefined;
  /** Was it written by a machine? */
  automatic?: boolean | undefined;
  /** Has it failed, was something of it given up, or is it tried again? */
  problems?: boolean | undefined;
  from?: Date | undefined;
  until?: Date | undefined;
  before?: number | undefined;
  limit: number;
}

const narrowing = [
  ...(["state", "direction", "deliveryState", "aside", "from", "until"] as const),
  ...(["providers", "reason", "hasFiles", "automatic", "problems"] as const),
];

export interface ListedMessage {
  message: Message;
  address: string;
  locationId: string;
  /** The mapping's; null where there is none. */
  ownAddress: string | null;
}

const ownAddress = sql<
  string | null
>`(select ${mappings.address} from ${mappings} where ${mappings.id} = ${messages.mappingId})`;

/** Newest first. However few fit, it looks at no more than some thousands: then `walkedTo` says where to go on. */
export async function listMessages(db: Db, page: MessagePage): Promise<Page<ListedMessage>> {
  const walks = await walkMessages(db, page);
  return listNewest(db, walks, page, (tx, isWalked) =>
    tx
      .select({ message: messages, address: conversations.address, locationId: conversations.locationId, ownAddress })
      .from(messages)
      .innerJoin(conversations, eq(conversations.id, messages.conversationId))
      .where(and(isWalked, ...conditionsOf(tx, page)))
      .orderBy(desc(messages.id))
      .limit(page.limit),
  );
}

/** Of the newest of all that failed. */
export async function countFailedMessages(db: Db, { locationIds }: { locationIds: string[] | undefined }) {
  const failed = { locationIds, state: "failed" as const, limit: Number.POSITIVE_INFINITY };
  const { rows } = await listNewest(db, await walkMessages(db, failed), failed, (tx, isWalked) =>
    tx
      .select({ count: sql<number>`count(*)::int` })
      .from(messages)
      .innerJoin(conversations, eq(conversations.id, messages.conversationId))
      .where(and(isWalked, ...conditionsOf(tx, failed))),
  );
  return rows[0]?.count ?? 0;
}

/** Of all, and of each mapping of some locations: there may be thousands of mappings. */
const measured = { ofAll: 1000, ofEach: 50 };

/**
 * How long 95 of 100 took at most from their webhook into HighLevel, of the newest messages and of the last hour; null where
 * there was none. What was replayed took as long as somebody took.
 */
export async function findP95Ms(
  db: Db,
  { locationIds }: { locationIds: string[] | undefined },
): Promise<number | null> {
  const page = { locationIds, limit: Number.POSITIVE_INFINITY };
  const walks = await walkMessages(db, { locationIds, limit: locationIds ? measured.ofEach : measured.ofAll });
  const took = sql`extract(epoch from ${deliveries.finishedAt} - ${messages.receivedAt}) * 1000`;
  const isOfNow = sql`${deliveries.finishedAt} > now() - interval '1 hour'`;
  const isDone = and(
    eq(deliveries.kind, "post-inbound"),
    eq(deliveries.state, "delivered"),
    isNull(deliveries.replayedAt),
  );
  const { rows } = await listNewest(db, walks, page, (tx, isWalked) =>
    tx
      .select({ ms: sql<number | null>`(percentile_disc(0.95) within group (order by ${took}))::float8` })
      .from(messages)
      .innerJoin(conversations, eq(conversations.id, messages.conversationId))
      .innerJoin(deliveries, eq(deliveries.messageId, messages.id))
      .where(and(isWalked, ...conditionsOf(tx, page), isDone, isOfNow)),
  );
  const ms = rows[0]?.ms ?? null;
  return ms === null ? null : Math.max(0, Math.round(ms));
}

/** By ids, the person, the mapping, all mappings of the locations, or all; what has failed, which is rare, has indexes of its own. */
async function walkMessages(db: Db, page: MessagePage): Promise<Walk[]> {
  const { mappingId, state, locationIds, limit } = page;
  const isFiltered = narrowing.some((name) => page[name] !== undefined);
  const walkPeople = (values: number[]) => {
    const parts = { column: messages.conversationId, values, type: "bigint" as const };
    return values.length > 0 ? [{ table: messages, parts, rows: rowsOfEach(values.length, limit, isFiltered) }] : [];
  };
  if (namesMessage(page)) {
    const found = await findMessages(db, page);
    return found.length > 0 ? [{ table: messages, condition: isAnyOf(messages.id, found), rows: maxWalked }] : [];
  }
  if (page.conversationIds) return walkPeople(page.conversationIds);
  if (namesPerson(page)) return walkPeople(await findPeople(db, page));
  const hasFailed = state === "failed" ? eq(messages.state, state) : undefined;
  const walkMappings = (values: string[]) => {
    const rows = hasFailed ? maxWalked : rowsOfEach(values.length, limit, isFiltered);
    const parts = { column: messages.mappingId, values, type: "uuid" as const, areFew: hasFailed !== undefined };
    return values.length > 0 ? [{ table: messages, condition: hasFailed, parts, rows }] : [];
  };
  if (mappingId !== undefined) return walkMappings([mappingId]);
  if (locationIds === undefined)
    return [{ table: messages, condition: hasFailed, rows: hasFailed ? maxWalked : rowsOfEach(1, limit, isFiltered) }];
  const mappingIds = await db
    .select({ id: mappings.id })
    .from(mappings)
    .where(isAnyOf(mappings.locationId, locationIds));
  // What an integrator has HighLevel send has no mapping: those of all locations stand together.
  const ofContacts = { table: messages, condition: and(hasFailed, isNull(messages.mappingId)), rows: maxWalked };
  return [
    ...walkMappings(mappingIds.map(({ id }) => id)),
    ...((await hasContacts(db, locationIds)) ? [ofContacts] : []),
  ];
}

async function hasContacts(db: Db, locationIds: string[]): Promise<boolean> {
  const isContact = and(isNull(conversations.mappingId), isAnyOf(conversations.locationId, locationIds));
  return (await db.select({ id: conversations.id }).from(conversations).where(isContact).limit(1)).length > 0;
}

/** But ids and the person where no id is given: by those the walks go. */
function conditionsOf(db: Db, page: MessagePage): SQL[] {
  const { mappingId, state, direction, from, until, locationIds } = page;
  const conditions = [...narrow(db, page), ...narrowByDeliveries(db, page)];
  if (mappingId !== undefined) conditions.push(eq(messages.mappingId, mappingId));
  if (state !== undefined) conditions.push(eq(messages.state, state));
  if (direction !== undefined) conditions.push(eq(messages.direction, direction));
  if (from !== undefined) conditions.push(gte(messages.receivedAt, from));
  if (until !== undefined) conditions.push(lt(messages.receivedAt, until));
  if (locationIds !== undefined) conditions.push(isAnyOf(conversations.locationId, locationIds));
  return conditions;
}

function narrow(db: Db, { automatic, hasFiles, providers }: MessagePage): SQL[] {
  const conditions: SQL[] = [];
  if (automatic !== undefined) conditions.push((automatic ? isNotNull : isNull)(messages.automatic));
  if (hasFiles !== undefined) conditions.push(hasFiles ? sql`${countFiles} > 0` : sql`${countFiles} = 0`);
  if (providers === undefined) return conditions;
  const ofThese = db.select({ id: mappings.id }).from(mappings).where(isAnyOf(mappings.provider, providers));
  return [...conditions, inArray(messages.mappingId, ofThese)];
}

function narrowByDeliveries(db: Db, { deliveryState, aside, reason, problems }: MessagePage): SQL[] {
  // That an endpoint is told of a message says nothing of the message.
  const isOfMessage = and(eq(deliveries.messageId, messages.id), ne(deliveries.kind, "post-event"));
  const isThere = (...such: SQL[]) =>
    exists(
      db
        .select({ id: deliveries.id })
        .from(deliveries)
        .where(and(isOfMessage, ...such)),
    );
  const conditions: SQL[] = [];
  if (deliveryState !== undefined) conditions.push(isThere(eq(deliveries.state, deliveryState)));
  if (reason !== undefined) conditions.push(isThere(eq(deliveries.reason, reason), ne(deliveries.state, "delivered")));
  if (aside === "kept") conditions.push(isNotNull(messages.automatic), not(isThere()));
  if (problems !== undefined) {
    const isTrouble = sql`(${messages.state} = 'failed' or ${isThere(isInTrouble)})`;
    conditions.push(problems ? isTrouble : not(isTrouble));
  }
  if (aside === "held") conditions.push(isThere(eq(deliveries.state, "dead"), inArray(deliveries.reason, heldReasons)));
  return conditions;
}

/**
 * Given up, which what is held is as well; or tried again. What its hours or its daily cap hold back is as it should be, and
 * so is what was replayed and waits for its first attempt since.
 */
const isInTrouble = sql`(${deliveries.state} = 'dead' or ${deliveries.state} = 'pending'
  and ${and(isReasonOfNow, isNotNull(deliveries.reason), not(inArray(deliveries.reason, windowReasons)))})`;

/** Of what was deleted after the retention time nobody knows. */
const countFiles = sql`jsonb_array_length(${messages.content} -> 'attachments')`;
