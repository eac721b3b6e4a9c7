import { and, asc, eq, gt, inArray, lte, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../../postgres/any-of.ts";
import { type Db, selectRows } from "../../postgres/database.ts";
import { rowsOfEach } from "../../postgres/walk-newest.ts";
import { deliveries, messages } from "../../schema.ts";
import { isMappingPaused } from "../../trouble/holds.ts";
import { conditionsOf, type DeliveryFilter, type ListedDelivery, selectListed } from "../list-deliveries.ts";

/** Which of the dead deliveries are meant. */
export interface DeadFilter extends Omit<DeliveryFilter, "state"> {
  id?: number;
  /** Ours. */
  conversationId?: number;
  messageIds?: number[] | undefined;
  /** Those that had been given up by then. */
  deadBefore?: Date | undefined;
  /** Without those of mappings that somebody paused, or those alone. */
  ofPaused?: "none" | "only";
  after?: number | undefined;
  limit: number;
}

/**
 * The oldest dead deliveries that match, as the statement that finds and locks them, to stand in an
 * `array(…)`: as a part of a join it could be run again, and find the next ones. Of all there are it looks at no more
 * than some thousands, however few fit: `end` is the last one that it looks at then.
 */
export async function chooseDead(tx: Db, filter: DeadFilter): Promise<{ chosen: SQL; end: number | undefined }> {
  const { isChosen, end } = await whichAre(tx, filter);
  const chosen = sql`
    select ${deliveries.id} from ${deliveries} left join ${messages} on ${messages.id} = ${deliveries.messageId}
    where ${isChosen} order by ${deliveries.id} limit ${filter.limit}
    for update of ${deliveries}`;
  return { chosen, end };
}

/** Where the next step begins: after the last one that was done where the limit was reached, else where the search ended. */
export const nextAfter = (doneIds: number[], limit: number, end: number | undefined) =>
  doneIds.length === limit ? Math.max(...doneIds) : end;

export interface Preview<Row> {
  count: number;
  /** The first of them. */
  sample: Row[];
  walkedTo: number | undefined;
}

export const sampleSize = 10;

/** How many a replay or a discard would touch in one step, and the first ones. */
export async function previewDead(db: Db, filter: DeadFilter): Promise<Preview<ListedDelivery>> {
  const { isChosen, end } = await whichAre(db, filter);
  const rows = await db
    .select({ id: deliveries.id })
    .from(deliveries)
    .leftJoin(messages, eq(messages.id, deliveries.messageId))
    .where(isChosen)
    .orderBy(asc(deliveries.id))
    .limit(filter.limit);
  const ids = rows.map(({ id }) => id);
  const sample = await selectListed(db)
    .where(inArray(deliveries.id, ids.slice(0, sampleSize)))
    .orderBy(asc(deliveries.id));
  return { count: ids.length, sample, walkedTo: nextAfter(ids, filter.limit, end) };
}

async function whichAre(db: Db, filter: DeadFilter) {
  const { id, conversationId, messageIds, deadBefore, after, ofPaused } = filter;
  const conditions = conditionsOf({ ...filter, state: "dead" });
  if (id !== undefined) conditions.push(eq(deliveries.id, id));
  if (conversationId !== undefined) conditions.push(eq(deliveries.conversationId, conversationId));
  if (messageIds !== undefined) conditions.push(isAnyOf(deliveries.messageId, messageIds));
  if (deadBefore !== undefined)
    conditions.push(sql`coalesce(${deliveries.finishedAt}, ${deliveries.createdAt}) < ${deadBefore.toISOString()}`);
  if (after !== undefined) conditions.push(gt(deliveries.id, after));
  if (ofPaused !== undefined) conditions.push(sql`${isOfPaused} = ${ofPaused === "only"}`);
  // Somebody has to look at each of these first: they are not among many others, but where they are named.
  const isNamed = id !== undefined || messageIds !== undefined || filter.reason !== undefined;
  if (!isNamed) conditions.push(sql`coalesce(${deliveries.reason}, '') <> 'failed_dmarc'`);
  const end = await findEnd(db, filter);
  if (end !== undefined) conditions.push(lte(deliveries.id, end));
  return { isChosen: and(...conditions), end };
}

const isOfPaused = sql`exists (
  select from conversations where id = ${deliveries.conversationId} and ${isMappingPaused(sql`mapping_id`)}
)`;

/** Up to which one it looks; undefined where that is to the end, or where an index finds those that are meant. */
async function findEnd(db: Db, filter: DeadFilter): Promise<number | undefined> {
  const { id, conversationId, messageIds, after, limit, ofPaused } = filter;
  if (id !== undefined || conversationId !== undefined || messageIds !== undefined) return undefined;
  const isFiltered = conditionsOf(filter).length > 0 || ofPaused !== undefined;
  const [last] = await selectRows<{ id: number }>(
    db,
    sql`
      select ${deliveries.id} as id from ${deliveries}
      where ${deliveries.state} = 'dead' and ${after === undefined ? sql`true` : gt(deliveries.id, after)}
      order by ${deliveries.id} offset ${rowsOfEach(1, limit, isFiltered) - 1} limit 1`,
  );
  return last?.id;
}
