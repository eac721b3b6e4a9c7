import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Database, selectRows } from "../../../src/store/postgres/database.ts";
import { prepare } from "../../../src/store/postgres/prepare.ts";
import { openMigrated } from "../../support/database.ts";

let database: Database;
beforeAll(async () => {
  database = await openMigrated(inject, 1);
});
afterAll(async () => {
  await database.close();
});

const add = prepare<{ a: number; b: number }, { sum: number }>(
  "add-numbers",
  (value) => sql`select ${value("a")}::int + ${value("b")}::int as sum`,
);

test("PostgreSQL parses a prepared statement once for a connection, in a transaction or not", async () => {
  const { db } = database;
  expect(await add(db, { a: 1, b: 2 })).toEqual([{ sum: 3 }]);
  expect(await db.transaction((tx) => add(tx, { a: 3, b: 4 }))).toEqual([{ sum: 7 }]);
  const known = sql`
    select (generic_plans + custom_plans)::int as runs from pg_prepared_statements where name = 'add-numbers'`;
  expect(await selectRows(db, known)).toEqual([{ runs: 2 }]);
});

test("a value that was not given is an error, not a null", async () => {
  await expect(add(database.db, { a: 1 } as { a: number; b: number })).rejects.toThrow('"b"');
});
