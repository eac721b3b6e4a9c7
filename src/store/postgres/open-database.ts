import { PGlite, types } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { migrate } from "drizzle-orm/pglite/migrator";
import { lockDataDir } from "./data-dir.ts";
import type { Database, DatabaseOptions } from "./database.ts";
import { describeDatabase } from "./describe-database.ts";
import { migrationsFolder } from "./migrate.ts";
import { openPostgres } from "./open-postgres.ts";
import { copyReadyMade } from "./ready-made.ts";

/**
 * Opens PostgreSQL, or the embedded database in a directory that no other process may use, and applies the
 * migrations. Replicas that start together wait for each other: one migrates.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return "url" in options ? openPostgres(options) : openEmbedded(options.dataDir);
}

async function openEmbedded(dataDir: string): Promise<Database> {
  const lock = lockDataDir(dataDir);
  try {
    copyReadyMade(`${dataDir}/postgres`);
    const client = await PGlite.create(`${dataDir}/postgres`, bytesAsHex);
    const db = drizzle(client, { casing: "snake_case" });
    await migrate(db, { migrationsFolder });
    return {
      db,
      people: db,
      isPooled: false,
      describe: () => describeDatabase(db),
      ping: async () => void (await client.query("select 1")),
      close: async () => {
        await client.close();
        lock.unlock();
      },
    };
  } catch (error) {
    lock.unlock();
    throw error;
  }
}

/** PGlite's own writing of bytes takes ten times as long, 0.7 s a megabyte: a mail of 20 MB was answered too late. */
const bytesAsHex = {
  serializers: { [types.BYTEA]: (bytes: Uint8Array) => `\\x${Buffer.from(bytes).toString("hex")}` },
  parsers: { [types.BYTEA]: (text: string) => Buffer.from(text.slice(2), "hex") },
};
