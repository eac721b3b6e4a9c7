import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { searchOperations } from "../../src/http/admin/search.ts";
import { callerOfAdmin } from "../../src/http/caller.ts";
import type { Database } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 2);
});
afterAll(() => database.close());

test("a guess that takes too long does not hide what a likelier one has found", async () => {
  const { db, people } = database;
  await db.execute(sql`insert into locations (id) values ('location')`);
  await db.execute(sql`
    insert into mappings (location_id, provider, address, conversation_provider_id, type, unknown_sender, post_automatic)
    values ('location', 'twilio', '+15005550000', 'p', 'Custom', 'create', false)`);
  await db.execute(
    sql`insert into conversations (mapping_id, location_id, address) select id, 'location', 'ann' from mappings`,
  );
  await db.execute(sql`
    insert into messages (mapping_id, conversation_id, direction, state, received_at, provider_message_id)
    select mapping_id, id, 'inbound', 'received', now(), 'SM1' from conversations`);
  const { body } = await db.transaction(async (tx) => {
    // A contact is looked for by location.
    await tx.execute(sql`lock table locations in access exclusive mode`);
    return searchOperations.search.call({ people }, { caller: callerOfAdmin(), query: { q: "SM1" } });
  });
  expect(body).toMatchObject({ found: "messages", by: "providerMessageId", items: [{ address: "ann" }] });
});
