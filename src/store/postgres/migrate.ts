import { join } from "node:path";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { packageRoot } from "../../package.ts";

export const migrationsFolder = join(packageRoot, "migrations");
/** Any number, the same in all versions of the bridge. */
const migrationLock = 4_072_613_371;

/**
 * Applies what migrations are missing. Whoever comes meanwhile waits: on a connection of its own whose transaction holds
 * the lock, as a pooler gives no two transactions the same session.
 */
export async function migrate(pool: pg.Pool, url: string): Promise<void> {
  const guard = new pg.Client({ connectionString: url, keepAlive: true, application_name: "conversation-bridge" });
  // What breaks it is heard of by the next statement.
  guard.on("error", () => undefined);
  await guard.connect();
  try {
    await guard.query(`begin; ${forAsLongAsItTakes}`);
    await guard.query("select pg_advisory_xact_lock($1)", [migrationLock]);
    await migrateOneByOne(pool);
    await guard.query("commit");
  } finally {
    // Closing the connection gives the lock back, also when migrating failed.
    await guard.end().catch(() => undefined);
  }
}

const forAsLongAsItTakes = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";

/**
 * Each in a transaction of its own: drizzle's migrator takes one for all, and what the first of them locks waits for the
 * last. Under other processes' load that is the difference between a moment and seconds.
 */
async function migrateOneByOne(pool: pg.Pool): Promise<void> {
  const { dialect, session } = drizzle(pool) as object as {
    dialect: { migrate(migrations: MigrationMeta[], session: unknown, config: object): Promise<void> };
    session: unknown;
  };
  const last = await lastMigration(pool);
  for (const migration of readMigrationFiles({ migrationsFolder })) {
    if (migration.folderMillis <= last) continue;
    const whole = { ...migration, sql: [forAsLongAsItTakes, ...migration.sql] };
    await dialect.migrate([whole], session, { migrationsFolder });
  }
}

/** When the newest migration that is applied was written, in milliseconds; 0 for an empty database. */
async function lastMigration(pool: pg.Pool): Promise<number> {
  const { rows: tables } = await pool.query("select to_regclass('drizzle.__drizzle_migrations') as name");
  if (tables[0]?.name === null) return 0;
  const { rows } = await pool.query("select max(created_at) as last from drizzle.__drizzle_migrations");
  return Number(rows[0]?.last ?? 0);
}
