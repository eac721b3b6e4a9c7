import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { endMaking, takeMaking } from "../../../src/store/people/making-contacts.ts";
import { type Database, selectRows } from "../../../src/store/postgres/database.ts";
import { openMigrated } from "../../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 1);
});
afterAll(() => database.close());

test("who was late ends the making of nobody else, and one's own is free at once", async () => {
  const { db } = database;
  await db.execute(sql`insert into locations (id) values ('here')`);
  const [made] = await selectRows<{ id: number }>(
    db,
    sql`insert into conversations (location_id, address) values ('here', 'ann') returning id::float8 as id`,
  );
  const id = made?.id ?? 0;
  const late = await takeMaking(db, id, -1);
  const own = await takeMaking(db, id, 60);
  expect(own.until).not.toBeNull();
  await endMaking(db, id, late.until ?? "");
  expect(await takeMaking(db, id, 60)).toEqual({ until: null, contactId: null });
  await endMaking(db, id, own.until ?? "");
  expect((await takeMaking(db, id, 60)).until).not.toBeNull();
});
