import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import pg from "pg";
import { expect, inject, test } from "vitest";
import { selectRows } from "../../../src/store/postgres/database.ts";
import { databaseTroubles, isTimeout } from "../../../src/store/postgres/database-errors.ts";
import { openDatabase } from "../../../src/store/postgres/open-database.ts";
import { createDatabase } from "../../support/database.ts";

test("replicas that start at once migrate once, and all of them wait for it", async () => {
  const owner = await createDatabase(inject("postgresUrl"));
  const open = () => openDatabase({ url: owner.url, poolSize: 2, startSeconds: 10 });
  const databases = await Promise.all([open(), open(), open(), open(), open()]);
  for (const { db } of databases) {
    const [migrations] = await selectRows<{ count: number }>(
      db,
      sql`select count(*) from drizzle.__drizzle_migrations`,
    );
    const files = readdirSync(join(import.meta.dirname, "../../../migrations")).filter((file) => file.endsWith(".sql"));
    expect(migrations?.count).toBe(files.length);
  }
  await Promise.all(databases.map((database) => database.close()));
  await owner.drop();
});

test("the migrations are those of the schema", () => {
  const out = mkdtempSync(join(tmpdir(), "migrations-"));
  const root = join(import.meta.dirname, "../../..");
  const generate = ["generate", "--dialect=postgresql", "--schema=./src/store/schema.ts", "--casing=snake_case"];
  cpSync(join(root, "migrations"), out, { recursive: true });
  const before = readdirSync(out).sort();
  execFileSync(join(root, "node_modules/.bin/drizzle-kit"), [...generate, `--out=${out}`], {
    cwd: root,
    stdio: "pipe",
  });
  expect(readdirSync(out).sort(), "run: npm run migrations").toEqual(before);
  rmSync(out, { recursive: true });
});

test("says which setting to look at when the database cannot be reached", async () => {
  const url = "postgres://nobody@127.0.0.1:1/nothing";
  await expect(openDatabase({ url, poolSize: 2, startSeconds: 0 })).rejects.toThrow(/^DATABASE_URL: .*ECONNREFUSED/);
});

test.each([
  ["login_refused", (url: URL) => Object.assign(url, { username: "nobody_of_that_name" })],
  ["no_such_database", (url: URL) => Object.assign(url, { pathname: "no_such_database" })],
] as const)(
  "says at once that the database is wrong, %s, and does not wait for what nobody mends",
  async (trouble, change) => {
    const { href: url } = change(new URL(inject("postgresUrl")));
    // A test that waited for so long would have failed.
    const opening = openDatabase({ url, poolSize: 2, startSeconds: 3600 });
    await expect(opening).rejects.toThrow(`: ${databaseTroubles[trouble]}.`);
  },
);

test("gives every connection back whose transaction cannot begin, because it broke while it was idle", async () => {
  const owner = await createDatabase(inject("postgresUrl"));
  const poolSize = 3;
  const { db, close } = await openDatabase({ url: owner.url, poolSize, startSeconds: 10 });
  const breaker = new pg.Client({ connectionString: owner.url });
  await breaker.connect();
  const run = () => db.transaction((tx) => selectRows<{ one: number }>(tx, sql`select 1 as one`));
  const atOnce = () => Promise.allSettled(Array.from({ length: poolSize }, run));
  for (let round = 1; round <= 10; round++) {
    await atOnce();
    await breaker.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    await atOnce();
  }
  await atOnce();
  expect(await run()).toEqual([{ one: 1 }]);
  await close();
  await breaker.end();
  await owner.drop();
}, 120_000);

test("what people read has connections of its own, and ends after 5 seconds", async () => {
  const owner = await createDatabase(inject("postgresUrl"));
  const { db, people, close } = await openDatabase({ url: owner.url, poolSize: 1, startSeconds: 10 });
  const lists = Array.from({ length: 4 }, () => people.execute(sql`select pg_sleep(30)`).catch((error) => error));
  const started = performance.now();
  await db.execute(sql`select 1`);
  expect(performance.now() - started, "they take none of the others'").toBeLessThan(3000);
  const [first] = await Promise.all(lists);
  expect(isTimeout(first)).toBe(true);
  await close();
  await owner.drop();
}, 30_000);
