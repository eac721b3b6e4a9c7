import pg from "pg";
import { loadProduct, type ProductKind } from "./product.ts";
import { numberAt, type Target } from "./webhooks.ts";

/** What a database is filled with by SQL, as if the bridge had done it. */
export interface Filling {
  conversations: number;
  perConversation: number;
  /** `pending`: processed, and not yet delivered. `delivered`: done with. */
  state: "pending" | "delivered";
}

/** The id of the message of this number, the provider's: as spread out as Twilio's are. */
const filledIdSql = (number: string) => `'SM' || md5(${number}::text)`;

/** Applies the migrations, and makes locations with a mapping each. Gives the mappings in the order of their locations. */
export async function prepareDatabase(product: ProductKind, url: string, locations: number): Promise<Target[]> {
  const store = await loadProduct<typeof import("../src/store/postgres/open-database.ts")>(
    product,
    "store/postgres/open-database",
  );
  const database = await store.openDatabase({ url, poolSize: 2, startSeconds: 5 });
  await database.close();
  return withClient(url, async (client) => {
    await client.query(
      "insert into locations (id, sealed_token) select 'location-' || i, 'none' from generate_series(0, $1 - 1) i",
      [locations],
    );
    const addresses = Array.from({ length: locations }, (_, index) => numberAt(index));
    const { rows } = await client.query<Target>(
      `insert into mappings (location_id, provider, address, conversation_provider_id, type, unknown_sender, post_automatic)
       select 'location-' || (i - 1), 'twilio', address, 'bench-provider', 'Custom', 'create', true
       from unnest($1::text[]) with ordinality as given (address, i)
       returning id as "mappingId", address`,
      [addresses],
    );
    return rows.sort((a, b) => a.address.localeCompare(b.address));
  });
}

/** Fills tables that may hold something already, then gathers statistics as the autovacuum would after a while. */
export async function fill(url: string, { conversations, perConversation, state }: Filling): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ from: number }>(
      "select coalesce(max(id), 0)::int as from from conversations",
    );
    const first = rows[0]?.from ?? 0;
    const last = first + conversations;
    await client.query(`
      create temporary table places as
      select row_number() over (order by address) - 1 as place, id as mapping_id, location_id,
        count(*) over () as places
      from mappings`);
    await client.query(
      `insert into conversations (id, location_id, mapping_id, address, highlevel_contact_id, highlevel_conversation_id)
       overriding system value
       select c, location_id, mapping_id, '+1501' || (1000000 + c), 'contact-' || c, 'conversation-' || c
       from generate_series($1::int + 1, $2::int) c join places on place = c % places`,
      [first, last],
    );
    await client.query(
      `insert into lanes (conversation_id, kind, location_id, counter, due_at)
       select id, 'post-inbound', location_id, $3, case when $4 = 'pending' then now() - make_interval(secs => random() * 60) end
       from conversations where id > $1 and id <= $2`,
      [first, last, perConversation, state],
    );
    await fillMessages(client, { first, last, perConversation, state });
    for (const table of ["conversations", "webhooks", "messages", "deliveries", "attempts"]) {
      await client.query(
        `select setval(pg_get_serial_sequence('${table}', 'id'), (select greatest(max(id), 1) from ${table}))`,
      );
    }
    await client.query("vacuum analyze");
    await client.query("checkpoint");
  });
}

async function fillMessages(
  client: pg.Client,
  { first, last, perConversation, state }: { first: number; last: number; perConversation: number; state: string },
): Promise<void> {
  const range = [first, last, perConversation];
  // Messages of one conversation lie apart, as they come over time.
  await client.query(
    `create temporary table planned as
     select (select coalesce(max(id), 0) from messages) + row_number() over (order by number, id) as m,
       id as conversation_id, mapping_id, number
     from conversations cross join generate_series(1, $3::int) number where id > $1 and id <= $2`,
    range,
  );
  await client.query(
    `insert into webhooks (id, mapping_id, url, headers, body, state) overriding system value
     select m, mapping_id, 'https://bridge.example.com/webhooks/' || mapping_id,
       '{"host": "bridge.example.com", "content-type": "application/x-www-form-urlencoded", "content-length": "520"}'::jsonb,
       convert_to('MessageSid=' || ${filledIdSql("m")} || repeat('&Field=some+words', 28), 'UTF8'), 'processed'
     from planned order by m`,
  );
  await client.query(
    `insert into messages (id, mapping_id, conversation_id, webhook_id, direction, state, provider_message_id,
       highlevel_message_id, content, received_at) overriding system value
     select m, mapping_id, conversation_id, m, 'inbound', 'received', ${filledIdSql("m")},
       case when $1 = 'delivered' then substr(md5('highlevel' || m), 1, 20) end,
       jsonb_build_object('to', jsonb_build_array('+15002000000'), 'cc', '[]'::jsonb, 'bcc', '[]'::jsonb,
         'text', 'Hello, this is message ' || m || ': could you call me back this afternoon?',
         'attachments', '[]'::jsonb, 'inReplyTo', '[]'::jsonb, 'references', '[]'::jsonb), now()
     from planned order by m`,
    [state],
  );
  await client.query(
    `insert into deliveries (id, kind, conversation_id, number, message_id, state, attempts, first_attempted_at, finished_at,
       duration_ms, status)
       overriding system value
     select m, 'post-inbound', conversation_id, number, m, $1, case when $1 = 'delivered' then 1 else 0 end,
       case when $1 = 'delivered' then now() end, case when $1 = 'delivered' then now() end,
       case when $1 = 'delivered' then 20 end, case when $1 = 'delivered' then 200 end
     from planned order by m`,
    [state],
  );
}

export async function withClient<Result>(url: string, run: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}
