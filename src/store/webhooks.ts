import { and, desc, eq, inArray, isNotNull, type SQL, sql } from "drizzle-orm";
import type { WebhookState } from "../model.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import type { Db } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
import { listNewest, maxWalked, type Page, rowsOfEach, type Walk } from "./postgres/walk-newest.ts";
import { mappings, type Webhook, webhooks } from "./schema.ts";

export type NewWebhook = Pick<Webhook, "mappingId" | "source" | "url" | "headers" | "body">;

/** One statement of two parameters, whole or not at all; ids grow in the order given. */
export async function insertWebhooks(db: Db, rows: NewWebhook[]): Promise<number[]> {
  let begins = 1;
  const input = rows.map(({ body, ...row }, number) => {
    const part = { ...row, number, begins, length: body.length };
    begins += body.length;
    return part;
  });
  const bodies = Buffer.concat(rows.map((row) => row.body));
  return (await insert(db, { input: JSON.stringify(input), bodies })).map((row) => row.id);
}

const insert = prepare<{ input: string; bodies: Buffer }, { id: number }>(
  "insert-webhooks",
  (value) => sql`
    insert into webhooks (mapping_id, source, url, headers, body)
    select "mappingId", source, url, headers, substring(${value("bodies")}::bytea from begins for length)
    from json_to_recordset(${value("input")}::json) as input (
      number int, "mappingId" uuid, source text, url text, headers jsonb, begins int, length int
    )
    order by number
    returning id`,
);

/** Lets a failed or ignored webhook be processed again; `false` when there is none, or it is waiting already. */
export async function replayWebhook(db: Db, id: number): Promise<boolean> {
  const replayed = await db
    .update(webhooks)
    .set({ state: "received", reason: null, readAttempts: 0 })
    .where(and(eq(webhooks.id, id), inArray(webhooks.state, ["failed", "ignored"])))
    .returning({ id: webhooks.id });
  return replayed.length > 0;
}

const listed = {
  id: webhooks.id,
  mappingId: webhooks.mappingId,
  source: webhooks.source,
  state: webhooks.state,
  reason: webhooks.reason,
  receivedAt: webhooks.receivedAt,
};
export type ListedWebhook = Pick<Webhook, keyof typeof listed>;

/** Which of the webhooks somebody may see; all where nothing is said. */
export interface WebhookReach {
  /** Only those to mappings of these locations. */
  locationIds?: string[] | undefined;
  /** Only those to a mapping, and none to the app as a whole. */
  isToMapping?: boolean | undefined;
}

function within({ locationIds, isToMapping }: WebhookReach): SQL | undefined {
  const isOfLocations =
    locationIds &&
    sql`${webhooks.mappingId} in (select id from mappings where ${isAnyOf(mappings.locationId, locationIds)})`;
  return and(isOfLocations, isToMapping ? isNotNull(webhooks.mappingId) : undefined);
}

/**
 * Newest first, without their bodies. However few fit, it looks at no more than some thousands: then `walkedTo` says where
 * to go on.
 */
export async function listWebhooks(
  db: Db,
  page: WebhookReach & {
    state?: WebhookState | undefined;
    mappingId?: string | undefined;
    before?: number | undefined;
    limit: number;
  },
): Promise<Page<ListedWebhook>> {
  const { mappingId, state, limit } = page;
  const walk = await chooseWalk(db, page);
  if (!walk) return { rows: [], walkedTo: undefined };
  const isListed = and(
    within(page),
    mappingId === undefined ? undefined : eq(webhooks.mappingId, mappingId),
    state === undefined ? undefined : eq(webhooks.state, state),
  );
  return listNewest(db, [walk], page, (tx, ids) =>
    tx
      .select(listed)
      .from(webhooks)
      .where(and(sql`${webhooks.id} = any(array(${ids}))`, isListed))
      .orderBy(desc(webhooks.id))
      .limit(limit),
  );
}

/** Those that failed have an index of their own; else by the mapping, by all mappings of the locations, or all. */
async function chooseWalk(db: Db, page: Parameters<typeof listWebhooks>[1]): Promise<Walk | undefined> {
  const { locationIds, mappingId, state, limit, isToMapping } = page;
  if (state === "failed") return { table: webhooks, condition: eq(webhooks.state, state), rows: maxWalked };
  const isFiltered = state !== undefined;
  if (mappingId === undefined && locationIds === undefined) {
    const amongApps = isToMapping && !isFiltered ? 1_000 : 0;
    return { table: webhooks, rows: amongApps + rowsOfEach(1, limit, isFiltered) };
  }
  const values = mappingId === undefined ? await findMappingIds(db, locationIds ?? []) : [mappingId];
  const rows = rowsOfEach(values.length, limit, isFiltered);
  const parts = { column: webhooks.mappingId, values, type: "uuid" as const };
  return values.length > 0 ? { table: webhooks, parts, rows } : undefined;
}

async function findMappingIds(db: Db, locationIds: string[]): Promise<string[]> {
  const found = await db.select({ id: mappings.id }).from(mappings).where(isAnyOf(mappings.locationId, locationIds));
  return found.map(({ id }) => id);
}

export async function findWebhook(db: Db, id: number, reach: WebhookReach = {}): Promise<Webhook | undefined> {
  const [webhook] = await db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, id), within(reach)));
  return webhook;
}
