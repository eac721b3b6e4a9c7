import { and, desc, eq, inArray, isNotNull, lt, type SQL, sql } from "drizzle-orm";
import type { WebhookState } from "../model.ts";
import { isAnyOf } from "./postgres/any-of.ts";
import type { Db } from "./postgres/database.ts";
import { prepare } from "./postgres/prepare.ts";
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
    .set({ state: "received", reason: null, readAttempts: 0, lastReadAt: null })
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

/** Newest first, without their bodies. */
export async function listWebhooks(
  db: Db,
  page: WebhookReach & {
    state?: WebhookState | undefined;
    mappingId?: string | undefined;
    before?: number | undefined;
    limit: number;
  },
): Promise<ListedWebhook[]> {
  const { locationIds, mappingId, state, before, limit } = page;
  const isListed = and(
    state === undefined ? undefined : eq(webhooks.state, state),
    before === undefined ? undefined : lt(webhooks.id, before),
  );
  const isOfLocations = locationIds && sql`id in (${newestOf(locationIds, isListed, limit)})`;
  return db
    .select(listed)
    .from(webhooks)
    .where(
      and(
        // Within a mapping the newest are found by the mapping itself.
        mappingId === undefined ? isOfLocations : and(eq(webhooks.mappingId, mappingId), within(page)),
        page.isToMapping ? isNotNull(webhooks.mappingId) : undefined,
        isListed,
      ),
    )
    .orderBy(desc(webhooks.id))
    .limit(limit);
}

/** The newest of each of these locations' mappings: what others have received costs nothing. */
const newestOf = (locationIds: string[], isListed: SQL | undefined, limit: number) => sql`
  select newest.id from ${mappings} cross join lateral (
    select id from ${webhooks} where ${and(eq(webhooks.mappingId, mappings.id), isListed)}
    order by id desc limit ${limit}
  ) newest
  where ${isAnyOf(mappings.locationId, locationIds)}`;

export async function findWebhook(db: Db, id: number, reach: WebhookReach = {}): Promise<Webhook | undefined> {
  const [webhook] = await db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, id), within(reach)));
  return webhook;
}
