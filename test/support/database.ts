import { randomBytes } from "node:crypto";
import { cpSync } from "node:fs";
import pg from "pg";
import type { inject as Inject } from "vitest";
import type { Database } from "../../src/store/postgres/database.ts";
import { openDatabase } from "../../src/store/postgres/open-database.ts";

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A database of its own, so that test files do not see each other: an empty one, or a copy of another. */
export async function createDatabase(serverUrl: string, template = "template1"): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  // Copied as files, not page by page through the log: that takes a third of the time.
  await runOn(serverUrl, `create database ${name} template ${template} strategy file_copy`);
  const { href: url } = Object.assign(new URL(serverUrl), { pathname: name });
  return { url, drop: () => runOn(serverUrl, `drop database if exists ${name} with (force)`) };
}

/** A migrated database of its own: a copy, where migrating takes half a second each time. */
export const copyMigrated = (inject: typeof Inject): Promise<TestDatabase> =>
  createDatabase(inject("postgresUrl"), inject("postgresTemplate"));

/** The same of the embedded one, where making it is not what is tried: that takes ten seconds. */
export const copyEmbedded = (inject: typeof Inject, to: string): void =>
  cpSync(inject("embeddedTemplate"), to, { recursive: true });

/** A migrated database of its own, opened; closing it drops it. */
export async function openMigrated(inject: typeof Inject, poolSize: number): Promise<Database> {
  const { url, drop } = await copyMigrated(inject);
  const database = await openDatabase({ url, poolSize, startSeconds: 10 });
  return { ...database, close: () => database.close().finally(drop) };
}

async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
