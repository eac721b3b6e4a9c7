import {
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  inArray,
  isNotNull,
  isNull,
  lt,
  notInArray,
  type SQL,
  sql,
} from "drizzle-orm";
import type { WebhookState } from "../model.ts";
import { type Db, selectRows } from "./database.ts";
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
  const stored = await selectRows<{ id: number }>(
    db,
    sql`
      insert into webhooks (mapping_id, source, url, headers, body)
      select "mappingId", source, url, headers, substring(${Buffer.concat(rows.map((row) => row.body))}::bytea from begins for length)
      from json_to_recordset(${JSON.stringify(input)}::json) as input (
        number int, "mappingId" uuid, source text, url text, headers jsonb, begins int, length int
      )
      order by number
      returning id`,
  );
  return stored.map((row) => row.id);
}

/**
 * Locks, until the transaction ends, the mapping whose oldest received webhook has waited longest, passing over those
 * that another process has locked. Who holds the lock reads the webhooks in a statement of its own: then it sees all
 * that were committed before, so that webhooks of one mapping are processed in the order in which they were stored.
 */
export async function lockMappingWithWebhooks(tx: Db): Promise<string | undefined> {
  const [locked] = await selectRows<{ id: string }>(
    tx,
    sql`
      select m.id
      from mappings m
      cross join lateral (
        select w.id from webhooks w where w.mapping_id = m.id and w.state = 'received' order by w.id limit 1
      ) oldest
      order by oldest.id
      limit 1
      for no key update of m skip locked`,
  );
  return locked?.id;
}

/** Any number, the same in all versions of the bridge. */
const appLock = 4_072_613_372;

/** The same for what HighLevel posts to the app as a whole: `false` when there is nothing, or another process is at it. */
export async function lockAppWebhooks(tx: Db): Promise<boolean> {
  const [locked] = await selectRows<{ isLocked: boolean }>(
    tx,
    sql`
      select pg_try_advisory_xact_lock(${appLock}) as "isLocked"
      where exists (select from webhooks where mapping_id is null and state = 'received')`,
  );
  return locked?.isLocked ?? false;
}

/** Which of these events of HighLevel have been processed before, by other webhooks than these. */
export async function findKnownEvents(tx: Db, eventIds: string[], webhookIds: number[]): Promise<Set<string>> {
  if (eventIds.length === 0) return new Set();
  const known = await tx
    .select({ id: webhooks.eventId })
    .from(webhooks)
    .where(
      and(inArray(webhooks.eventId, eventIds), eq(webhooks.state, "processed"), notInArray(webhooks.id, webhookIds)),
    );
  return new Set(known.flatMap(({ id }) => id ?? []));
}

/** The received webhooks of one mapping, or of the app for null, oldest first: as many as fit, and at least one. */
export async function listReceivedWebhooks(
  tx: Db,
  mappingId: string | null,
  most: { rows: number; bytes: number },
): Promise<Webhook[]> {
  const sized = tx
    .select({
      id: webhooks.id,
      bytesBefore:
        sql<number>`sum(octet_length(${webhooks.body})) over (order by ${webhooks.id} rows between unbounded preceding and 1 preceding)`.as(
          "bytes_before",
        ),
    })
    .from(webhooks)
    .where(
      and(
        mappingId === null ? isNull(webhooks.mappingId) : eq(webhooks.mappingId, mappingId),
        eq(webhooks.state, "received"),
      ),
    )
    .orderBy(asc(webhooks.id))
    .limit(most.rows)
    .as("sized");
  return tx
    .select(getTableColumns(webhooks))
    .from(webhooks)
    .innerJoin(sized, eq(sized.id, webhooks.id))
    .where(sql`coalesce(${sized.bytesBefore}, 0) < ${most.bytes}`)
    .orderBy(asc(webhooks.id));
}

export interface WebhookOutcome {
  id: number;
  state: Exclude<WebhookState, "received">;
  reason: string | undefined;
  /** HighLevel's id of the event. */
  eventId?: string | undefined;
}

export async function finishWebhooks(db: Db, outcomes: WebhookOutcome[]): Promise<void> {
  await db.execute(sql`
    update webhooks set state = outcome.state, reason = outcome.reason, event_id = outcome."eventId"
    from json_to_recordset(${JSON.stringify(outcomes)}::json) as outcome (
      id bigint, state text, reason text, "eventId" text
    )
    where webhooks.id = outcome.id`);
}

/** Lets a failed or ignored webhook be processed again; `false` when there is none, or it is waiting already. */
export async function replayWebhook(db: Db, id: number): Promise<boolean> {
  const replayed = await db
    .update(webhooks)
    .set({ state: "received", reason: null })
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
    sql`${webhooks.mappingId} in (select id from mappings where ${inArray(mappings.locationId, locationIds)})`;
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
  const conditions: (SQL | undefined)[] = [within(page)];
  if (page.state !== undefined) conditions.push(eq(webhooks.state, page.state));
  if (page.mappingId !== undefined) conditions.push(eq(webhooks.mappingId, page.mappingId));
  if (page.before !== undefined) conditions.push(lt(webhooks.id, page.before));
  return db
    .select(listed)
    .from(webhooks)
    .where(and(...conditions))
    .orderBy(desc(webhooks.id))
    .limit(page.limit);
}

export async function findWebhook(db: Db, id: number, reach: WebhookReach = {}): Promise<Webhook | undefined> {
  const [webhook] = await db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, id), within(reach)));
  return webhook;
}
