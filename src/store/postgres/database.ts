import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PGlite, types } from "@electric-sql/pglite";
import { type Placeholder, type SQL, sql } from "drizzle-orm";
import { type MigrationMeta, readMigrationFiles } from "drizzle-orm/migrator";
import { drizzle as drizzlePostgres } from "drizzle-orm/node-postgres";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { migrate as migratePglite } from "drizzle-orm/pglite/migrator";
import pg from "pg";
import { ConfigError } from "../../errors.ts";
import { lockDataDir } from "./data-dir.ts";
import { databaseTroubles, isUnavailable, troubleOf } from "./database-errors.ts";

/** A database or a transaction: store functions take either. */
export type Db = PgDatabase<PgQueryResultHKT>;

export interface Database {
  db: Db;
  /**
   * For what people read: a few connections of their own, and no statement beyond 5 seconds, so that a list never takes
   * those of webhooks and of the worker. The embedded database has one connection for all.
   */
  people: Db;
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export type DatabaseOptions =
  | {
      url: string;
      poolSize: number;
      /** How long to wait at the start for a database that is not there yet. */
      startSeconds: number;
    }
  | { dataDir: string };

const migrationsFolder = fileURLToPath(new URL("../../../migrations", import.meta.url));
/** Any number, the same in all versions of the bridge. */
const migrationLock = 4_072_613_371;

// int8 as a number: ids and counters stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Opens PostgreSQL, or the embedded database in a directory that no other process may use, and applies the
 * migrations. Replicas that start together wait for each other: one migrates.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  return "url" in options ? openPostgres(options) : openEmbedded(options.dataDir);
}

/**
 * All that a message needs is found by keys. A prepared statement keeps the plan that suited the tables when they were
 * small, and reading a small table whole, to join it, is soon the wrong one. New connections plan anew.
 */
const planning =
  "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off -c jit=off";
const planSeconds = 300;

async function openPostgres(options: { url: string; poolSize: number; startSeconds: number }): Promise<Database> {
  const pool = createPool({ ...options, statementSeconds: 30 });
  try {
    await migrateWhenThere(pool, options.startSeconds);
  } catch (error) {
    await pool.end();
    throw isUnavailable(error) ? asConfigError(error) : error;
  }
  const peoplesPool = createPool({ ...options, ...forPeople });
  return {
    db: openPool(pool),
    people: openPool(peoplesPool),
    ping: async () => void (await pool.query("select 1")),
    close: async () => void (await Promise.all([pool.end(), peoplesPool.end()])),
  };
}

const forPeople = { poolSize: 3, statementSeconds: 5 };

function createPool(options: { url: string; poolSize: number; statementSeconds: number }): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    statement_timeout: options.statementSeconds * 1000,
    options: planning,
    maxLifetimeSeconds: planSeconds,
    // A process that stands still in a transaction must not hold the others up.
    idle_in_transaction_session_timeout: 30_000,
    application_name: "conversation-bridge",
  });
  // A connection that breaks is replaced by the pool, and whoever was using it gets the error from its statement.
  // Without listeners, on the pool for idle ones and on each client for those in use, it would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => void client.on("error", () => undefined));
  return pool;
}

function openPool(pool: pg.Pool): Db {
  const db: Db = drizzlePostgres(pool, { casing: "snake_case" });
  db.transaction = createTransaction(pool);
  return db;
}

/**
 * A transaction on a connection that goes back to the pool however it ends. drizzle-orm 0.45 keeps the connection for
 * ever when its `begin` fails, as on one that broke while it was idle: after a few of those the pool is empty. And it
 * throws what a failed `rollback` says, which on a broken connection is not what went wrong: here the first error counts,
 * and before it what PostgreSQL said when it ended the connection, as it does to a transaction that waits for too long.
 */
function createTransaction(pool: pg.Pool): Db["transaction"] {
  return async (run, config) => {
    const client = await pool.connect();
    let failure: { error: unknown } | undefined;
    const remember = (error: unknown): never => {
      failure ??= { error };
      throw error;
    };
    const rememberEnd = (error: Error) => {
      failure ??= { error };
    };
    client.once("error", rememberEnd);
    try {
      const db: Db = drizzlePostgres(client, { casing: "snake_case" });
      return await db.transaction((tx) => run(tx).catch(remember), config);
    } catch (error) {
      throw failure?.error ?? error;
    } finally {
      client.off("error", rememberEnd);
      client.release();
    }
  };
}

async function migrateWhenThere(pool: pg.Pool, startSeconds: number): Promise<void> {
  const client = await connectWithin(pool, startSeconds);
  try {
    await client.query("set statement_timeout = 0");
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    await migrateOneByOne(client);
  } finally {
    // Closing the connection gives the lock back, also when migrating failed.
    client.release(true);
  }
}

/**
 * Each in a transaction of its own: drizzle's migrator takes one for all, and what the first of them locks waits for the
 * last. Under other processes' load that is the difference between a moment and seconds.
 */
async function migrateOneByOne(client: pg.PoolClient): Promise<void> {
  const { dialect, session } = drizzlePostgres(client) as object as {
    dialect: { migrate(migrations: MigrationMeta[], session: unknown, config: object): Promise<void> };
    session: unknown;
  };
  const last = await lastMigration(client);
  for (const migration of readMigrationFiles({ migrationsFolder })) {
    if (migration.folderMillis > last) await dialect.migrate([migration], session, { migrationsFolder });
  }
}

/** When the newest migration that is applied was written, in milliseconds; 0 for an empty database. */
async function lastMigration(client: pg.PoolClient): Promise<number> {
  const { rows: tables } = await client.query("select to_regclass('drizzle.__drizzle_migrations') as name");
  if (tables[0]?.name === null) return 0;
  const { rows } = await client.query("select max(created_at) as last from drizzle.__drizzle_migrations");
  return Number(rows[0]?.last ?? 0);
}

async function connectWithin(pool: pg.Pool, startSeconds: number): Promise<pg.PoolClient> {
  const giveUpAt = performance.now() + startSeconds * 1000;
  for (;;) {
    try {
      return await pool.connect();
    } catch (error) {
      // To wait for what somebody must correct would only hide it.
      if (troubleOf(error) === "login_refused" || troubleOf(error) === "no_such_database") throw asConfigError(error);
      if (performance.now() > giveUpAt) throw asConfigError(error, ` within ${startSeconds} s`);
      await sleep(500);
    }
  }
}

function asConfigError(error: unknown, after = ""): ConfigError {
  const { message } = error as Error;
  return new ConfigError(
    `DATABASE_URL: the database cannot be used${after} (${message}): ${databaseTroubles[troubleOf(error)]}.`,
  );
}

async function openEmbedded(dataDir: string): Promise<Database> {
  const lock = lockDataDir(dataDir);
  try {
    const client = await PGlite.create(`${dataDir}/postgres`, bytesAsHex);
    const db = drizzlePglite(client, { casing: "snake_case" });
    await migratePglite(db, { migrationsFolder });
    return {
      db,
      people: db,
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

/** Rows of a statement that the query builder cannot express. Times come as text. */
export async function selectRows<Row>(db: Db, statement: SQL): Promise<Row[]> {
  const result = await db.execute(statement);
  return (result as unknown as { rows: Row[] }).rows;
}

/** `now()` moved by some seconds: schedules are PostgreSQL's clock, never a process's. */
export function secondsFromNow(seconds: number | Placeholder): SQL {
  return sql`now() + make_interval(secs => ${seconds})`;
}
