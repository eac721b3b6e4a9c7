import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";
import { type EndpointFailure, type EndpointRow, endpoints, type NewEndpoint } from "../schema.ts";

/** Which endpoints are meant: all, or those that are about nothing but these locations. */
export interface EndpointReach {
  locationIds?: string[] | undefined;
}

/** An array of locations holds no null, and that of an endpoint for all is one: `null <@ …` is not true. */
const isReached = ({ locationIds }: EndpointReach): SQL | undefined =>
  locationIds && sql`${endpoints.locationIds} <@ ${sql.param(locationIds)}::text[]`;

export async function insertEndpoint(db: Db, endpoint: NewEndpoint): Promise<EndpointRow> {
  const [stored] = await db.insert(endpoints).values(endpoint).returning();
  return stored as EndpointRow;
}

export async function findEndpoint(db: Db, id: string, reach: EndpointReach = {}): Promise<EndpointRow | undefined> {
  const [endpoint] = await db
    .select()
    .from(endpoints)
    .where(and(eq(endpoints.id, id), isReached(reach)));
  return endpoint;
}

export async function listEndpoints(
  db: Db,
  page: EndpointReach & { after?: string | undefined; limit: number },
): Promise<EndpointRow[]> {
  const after = page.after === undefined ? undefined : gt(endpoints.id, page.after);
  return db
    .select()
    .from(endpoints)
    .where(and(isReached(page), after))
    .orderBy(asc(endpoints.id))
    .limit(page.limit);
}

/** How many there are, and how many of them this one has made. */
export async function countEndpoints(db: Db, createdBy: string): Promise<{ total: number; own: number }> {
  const [counts] = await selectRows<{ total: number; own: number }>(
    db,
    sql`select count(*)::int as total, count(*) filter (where created_by = ${createdBy})::int as own from endpoints`,
  );
  return counts ?? { total: 0, own: 0 };
}

type ChangedColumns = Pick<EndpointRow, "name" | "sealedTarget" | "events" | "locationIds" | "disabledReason">;

/** What is undefined stays as it is. */
export type EndpointChange = { [Name in keyof ChangedColumns]?: ChangedColumns[Name] | undefined } & {
  isDisabled?: boolean | undefined;
};

/** One that is enabled again begins anew: what it failed by before counts no more. */
export async function updateEndpoint(db: Db, id: string, change: EndpointChange): Promise<EndpointRow | undefined> {
  const { isDisabled, ...columns } = change;
  const state =
    isDisabled === false
      ? { disabledAt: null, disabledReason: null, failingSince: null }
      : { ...(isDisabled ? { disabledAt: sql`coalesce(${endpoints.disabledAt}, now())` } : {}) };
  const [changed] = await db
    .update(endpoints)
    .set({ ...columns, ...state, updatedAt: sql`now()` })
    .where(eq(endpoints.id, id))
    .returning();
  return changed;
}

export async function deleteEndpoint(db: Db, id: string): Promise<void> {
  await db.delete(endpoints).where(eq(endpoints.id, id));
}

/** What an endpoint wants to be told, and of whom. */
export type Listener = Pick<EndpointRow, "id" | "events" | "locationIds">;

/** Those that are told. */
export async function listListeners(db: Db): Promise<Listener[]> {
  return db
    .select({ id: endpoints.id, events: endpoints.events, locationIds: endpoints.locationIds })
    .from(endpoints)
    .where(isNull(endpoints.disabledAt))
    .orderBy(asc(endpoints.createdAt), asc(endpoints.id));
}

/** Writes nothing where it was delivered to within the last minute, and has not failed since. */
export async function noteDelivered(db: Db, id: string): Promise<void> {
  const isDue = sql`(${endpoints.failingSince} is not null
    or coalesce(${endpoints.lastDeliveredAt} < now() - interval '1 minute', true))`;
  await db
    .update(endpoints)
    .set({ lastDeliveredAt: sql`now()`, failingSince: null })
    .where(and(eq(endpoints.id, id), isDue));
}

/**
 * Gives for how long it has been tried in vain; undefined where there is no such endpoint. After some hours in which there was
 * nothing to tell it begins anew: what fails is tried each hour.
 */
export async function noteFailed(db: Db, id: string, lastFailure: EndpointFailure): Promise<number | undefined> {
  const failingSince = sql`case when ${endpoints.lastFailedAt} > now() - interval '2 hours'
    then coalesce(${endpoints.failingSince}, now()) else now() end`;
  const [failing] = await db
    .update(endpoints)
    .set({ lastFailedAt: sql`now()`, lastFailure, failingSince })
    .where(eq(endpoints.id, id))
    .returning({ seconds: sql<number>`extract(epoch from now() - ${endpoints.failingSince})::float8` });
  return failing?.seconds;
}

/**
 * What waits for an endpoint is given up, to be replayed, or for ever; but for that about locations which it keeps. Gives
 * how many those were. Each location is asked for by the index of its conversations that have no mapping.
 */
export async function endWaiting(
  tx: Db,
  endpointId: string,
  end: { state: "dead"; detail: string } | { state: "discarded"; note: string },
  keptLocationIds: string[] = [],
): Promise<number> {
  const isOver = end.state === "dead" ? sql`state = 'pending'` : sql`state in ('pending', 'dead')`;
  const said = end.state === "dead" ? sql`reason = 'misconfigured', detail = ${end.detail}` : sql`note = ${end.note}`;
  const [ended] = await selectRows<{ count: number }>(
    tx,
    sql`
      with ended as (
        update deliveries set state = ${end.state}, finished_at = now(), ${said},
          (died_in, died_on) = (select location_id, mapping_id from conversations where id = deliveries.conversation_id)
        where kind = 'post-event' and ${isOver} and conversation_id in (
          select c.id from locations join conversations c
            on c.location_id = locations.id and c.mapping_id is null and c.address = ${endpointId}
          where not ${isAnyOf(sql`locations.id`, keptLocationIds)}
        ) returning 1
      )
      select count(*)::int as count from ended`,
  );
  return ended?.count ?? 0;
}
