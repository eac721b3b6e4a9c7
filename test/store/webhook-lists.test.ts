import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Database, openDatabase, selectRows } from "../../src/store/postgres/database.ts";
import { listWebhooks } from "../../src/store/webhooks.ts";
import { createDatabase } from "../support/database.ts";

let database: Database;
let owner: Awaited<ReturnType<typeof createDatabase>>;

beforeAll(async () => {
  owner = await createDatabase(inject("postgresUrl"));
  database = await openDatabase({ url: owner.url, poolSize: 1, startSeconds: 10 });
  const { db } = database;
  await db.execute(sql`insert into locations (id) select 'location-' || n from generate_series(0, 300) n`);
  await db.execute(sql`
    insert into mappings (location_id, provider, address, conversation_provider_id, type, unknown_sender, post_automatic)
    select 'location-' || n, 'twilio', '+1500' || n, 'p', 'Custom', 'create', false from generate_series(0, 300) n`);
  await db.execute(sql`
    insert into webhooks (mapping_id, url, headers, body, state)
    select mappings.id, 'u', '{}', '', 'processed'
    from generate_series(1, 300) round join mappings on mappings.address <> '+1500300'`);
  await db.execute(sql`analyze`);
}, 120_000);
afterAll(async () => {
  await database.close();
  await owner.drop();
});

/** Rows that a list reads of the webhooks' table, as PostgreSQL counts them. */
async function rowsRead(list: () => Promise<unknown[]>): Promise<{ found: number; read: number }> {
  const count = async () => {
    await database.db.execute(sql`select pg_stat_force_next_flush()`);
    const [row] = await selectRows<{ count: number }>(
      database.db,
      sql`select (seq_tup_read + idx_tup_fetch)::int as count from pg_stat_user_tables where relname = 'webhooks'`,
    );
    return row?.count ?? 0;
  };
  const before = await count();
  const { length: found } = await list();
  return { found, read: (await count()) - before };
}

test.for([
  ["of all locations", {}, 51],
  ["of one location among many", { locationIds: ["location-7"], isToMapping: true }, 51],
  ["of a location that has none", { locationIds: ["location-300"], isToMapping: true }, 0],
  ["of a location that is not there", { locationIds: ["nobody"], isToMapping: true }, 0],
] as const)("a list of webhooks %s reads no more than a few times what it shows", async ([, reach, found]) => {
  const { locationIds, ...rest } = { locationIds: undefined, ...reach };
  const page = { ...rest, ...(locationIds ? { locationIds: [...locationIds] } : {}), limit: 51 };
  const counted = await rowsRead(() => listWebhooks(database.db, page));
  expect(counted.found).toBe(found);
  expect(counted.read).toBeLessThanOrEqual(3 * found);
});
