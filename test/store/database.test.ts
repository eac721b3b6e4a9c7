import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { expect, inject, test } from "vitest";
import { openDatabase, selectRows } from "../../src/store/database.ts";
import { createDatabase, startPostgres } from "../support/postgres.ts";

test("replicas that start at once migrate once, and all of them wait for it", async () => {
  const owner = await createDatabase(inject("postgresUrl"));
  const open = () => openDatabase({ url: owner.url, poolSize: 2, startSeconds: 10 });
  const databases = await Promise.all([open(), open(), open(), open(), open()]);
  for (const { db } of databases) {
    const [migrations] = await selectRows<{ count: number }>(
      db,
      sql`select count(*) from drizzle.__drizzle_migrations`,
    );
    const files = readdirSync(join(import.meta.dirname, "../../migrations")).filter((file) => file.endsWith(".sql"));
    expect(migrations?.count).toBe(files.length);
  }
  await Promise.all(databases.map((database) => database.close()));
  await owner.drop();
});

test("the migrations are those of the schema", () => {
  const out = mkdtempSync(join(tmpdir(), "migrations-"));
  const root = join(import.meta.dirname, "../..");
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

test("gives every connection back after the database broke them, so that it can go on", async () => {
  const server = await startPostgres({ durable: true });
  const { db, ping, close } = await openDatabase({ url: server.url, poolSize: 2, startSeconds: 10 });
  const run = () => db.transaction((tx) => selectRows(tx, sql`select pg_sleep(0.2)`));
  for (let outage = 1; outage <= 3; outage++) {
    const underWay = [run(), run()].map((each) => each.catch(() => "broke"));
    await server.stopImmediately();
    // Right after the connections were cut, before the pool has noticed.
    const late = Array.from({ length: 6 }, () => run().catch(() => "broke"));
    await Promise.all([...underWay, ...late]);
    await server.restart();
    await ping();
    await Promise.all([run(), run(), run()]);
  }
  await close();
  await server.stop();
}, 60_000);
