import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { openDatabase } from "../../../src/store/postgres/open-database.ts";
import { copyReadyMade, readyMadeFolder } from "../../../src/store/postgres/ready-made.ts";
import { holds } from "../../../src/store/schema.ts";

let dataDir: string;
let folder: string;
const readyMade = join(inject("embeddedTemplate"), "postgres");
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "bridge-ready-made-"));
  folder = join(dataDir, "postgres");
});
afterEach(() => rmSync(dataDir, { recursive: true }));

test("a copy opens as a new database with all migrations", async () => {
  copyReadyMade(folder, readyMade);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const { db, close } = await openDatabase({ dataDir });
  const migrations = sql<number>`(select count(*)::int from drizzle.__drizzle_migrations)`;
  const [counts] = await db.select({ migrations, holds: sql<number>`count(*)::int` }).from(holds);
  await close();
  const { entries } = JSON.parse(readFileSync("migrations/meta/_journal.json", "utf8"));
  expect(counts).toEqual({ migrations: entries.length, holds: 0 });
});

test("what a start left that died over it is thrown away", () => {
  mkdirSync(`${folder}.making`);
  writeFileSync(join(`${folder}.making`, "PG_VERSION"), "");
  writeFileSync(join(`${folder}.making`, "half"), "");
  copyReadyMade(folder, readyMade);
  expect(readdirSync(folder).toSorted()).toEqual(readdirSync(readyMade).toSorted());
  expect(readFileSync(join(folder, "PG_VERSION"))).toEqual(readFileSync(join(readyMade, "PG_VERSION")));
  expect(readdirSync(dataDir)).toEqual(["postgres"]);
});

test("a database that is there stays as it is", () => {
  mkdirSync(folder);
  copyReadyMade(folder, readyMade);
  expect(readdirSync(folder)).toEqual([]);
});

test("without a ready-made one nothing is copied, so that one is made", () => {
  copyReadyMade(folder, join(dataDir, "embedded"));
  expect(existsSync(folder)).toBe(false);
});

test("one of other migrations is not found, also where only what they do was changed", () => {
  const migrations = join(dataDir, "migrations");
  cpSync("migrations", migrations, { recursive: true });
  expect(readyMadeFolder(migrations)).toBe(readyMadeFolder());
  appendFileSync(join(migrations, "0000_initial.sql"), "-- changed");
  expect(readyMadeFolder(migrations)).not.toBe(readyMadeFolder());
});

test("one of another version of PGlite is not found", () => {
  const { version } = JSON.parse(readFileSync("node_modules/@electric-sql/pglite/package.json", "utf8"));
  expect(readyMadeFolder()).toMatch(new RegExp(`/dist/embedded/${version.replaceAll(".", "\\.")}-[0-9a-f]{16}$`));
});
