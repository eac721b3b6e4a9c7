import { sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import { type Db, selectRows } from "../postgres/database.ts";

/** In what an endpoint is told of a location's events stands in one line. */
export interface EndpointPlace {
  endpointId: string;
  locationId: string;
}

export const placeKeyOf = ({ endpointId, locationId }: EndpointPlace) => `${endpointId} ${locationId}`;

/**
 * The conversations in whose lanes endpoints are told, made where they are missing. There is none for an endpoint that was
 * deleted or disabled meanwhile.
 */
export async function ensureEndpointConversations(tx: Db, places: EndpointPlace[]): Promise<Map<string, number>> {
  const sought = new Map(places.map((place) => [placeKeyOf(place), place]));
  const known = new Map(await findConversations(tx, [...sought.values()]));
  const missing = [...sought].filter(([key]) => !known.has(key)).map(([, place]) => place);
  if (missing.length === 0) return known;
  await tx.execute(sql`
    insert into conversations (location_id, address)
    select "locationId", "endpointId"
    from json_to_recordset(${JSON.stringify(missing)}::json) as input ("locationId" text, "endpointId" text)
    where "endpointId" in (select id::text from endpoints where disabled_at is null
      and ${isAnyOf(
        sql`id`,
        missing.map(({ endpointId }) => endpointId),
        "uuid",
      )})
    order by "locationId", "endpointId"
    on conflict do nothing`);
  return new Map([...known, ...(await findConversations(tx, missing))]);
}

async function findConversations(tx: Db, places: EndpointPlace[]): Promise<[string, number][]> {
  const rows = await selectRows<EndpointPlace & { id: number }>(
    tx,
    sql`
      select c.id::float8 as id, input."endpointId", input."locationId"
      from json_to_recordset(${JSON.stringify(places)}::json) as input ("locationId" text, "endpointId" uuid)
      join endpoints on endpoints.id = input."endpointId" and endpoints.disabled_at is null
      join conversations c on c.mapping_id is null and c.location_id = input."locationId"
        and c.address = input."endpointId"::text`,
  );
  return rows.map((row) => [placeKeyOf(row), row.id]);
}
