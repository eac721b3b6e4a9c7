import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { ConfigError } from "../../errors.ts";
import type { Database, Db } from "./database.ts";
import { databaseTroubles, isUnavailable, troubleOf } from "./database-errors.ts";
import { describeDatabase } from "./describe-database.ts";
import { migrate } from "./migrate.ts";

// int8 as a number: ids and counters stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * All that a message needs is found by keys. A prepared statement keeps the plan that suited the tables when they were
 * small, and reading a small table whole, to join it, is soon the wrong one. New connections plan anew. No statement is large
 * enough for the processes that would share it.
 */
const planning =
  "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off -c jit=off -c max_parallel_workers_per_gather=0";
const planSeconds = 300;
/** A process that stands still in a transaction must not hold the others up. */
const idleSeconds = 30;

interface PoolOptions {
  url: string;
  poolSize: number;
  /** The longest that a statement may take. */
  statementSeconds: number;
}

/**
 * Opens PostgreSQL and applies the migrations; also behind a pooler that gives each transaction another session, as
 * PgBouncer and Supavisor do. There is nothing then that needs a session: no start-up options, no named statements, no
 * session-wide locks. Throws a ConfigError when it cannot be used.
 */
export async function openPostgres(options: {
  url: string;
  poolSize: number;
  startSeconds: number;
}): Promise<Database> {
  const isPooled = await findPooler(options);
  const createPool = isPooled ? createPoolThroughPooler : createDirectPool;
  const main = { ...options, statementSeconds: 30 };
  const pool = createPool(main);
  try {
    await migrate(pool, options.url);
  } catch (error) {
    await pool.end();
    throw isUnavailable(error) ? asConfigError(error) : error;
  }
  const peoples = { ...options, ...forPeople };
  const peoplesPool = createPool(peoples);
  const people = openPool(peoplesPool, isPooled ? peoples : undefined);
  return {
    db: openPool(pool, isPooled ? main : undefined),
    people,
    isPooled,
    describe: () => describeDatabase(people),
    ping: async () => void (await pool.query("select 1")),
    close: async () => void (await Promise.all([pool.end(), peoplesPool.end()])),
  };
}

const forPeople = { poolSize: 3, statementSeconds: 5 };

const common = ({ url, poolSize }: PoolOptions): pg.PoolConfig => ({
  connectionString: url,
  max: poolSize,
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  maxLifetimeSeconds: planSeconds,
  application_name: "conversation-bridge",
});

const ofSession = (statementSeconds: number): pg.ClientConfig => ({
  statement_timeout: statementSeconds * 1000,
  options: planning,
  idle_in_transaction_session_timeout: idleSeconds * 1000,
});

function createDirectPool(options: PoolOptions): pg.Pool {
  return withListeners(new pg.Pool({ ...common(options), ...ofSession(options.statementSeconds) }));
}

/**
 * Statements are without names: the session that gets the next one does not know them. So each is planned for its own
 * values. What one may take is for this side to see to, outside of transactions.
 */
function createPoolThroughPooler(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({ ...common(options), query_timeout: (options.statementSeconds + 1) * 1000 });
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (statement: unknown, ...rest: unknown[]) => unknown;
    const unnamed = (statement: unknown, ...rest: unknown[]) => {
      const isNamed = typeof statement === "object" && statement !== null && "name" in statement;
      return query(isNamed ? { ...statement, name: undefined } : statement, ...rest);
    };
    Object.assign(client, { query: unnamed });
  });
  return withListeners(pool);
}

/**
 * A connection that breaks is replaced by the pool, and whoever was using it gets the error from its statement. Without
 * listeners, on the pool for idle ones and on each client for those in use, it would end the process.
 */
function withListeners(pool: pg.Pool): pg.Pool {
  pool.on("error", () => undefined);
  pool.on("connect", (client) => void client.on("error", () => undefined));
  return pool;
}

function openPool(pool: pg.Pool, pooled: PoolOptions | undefined): Db {
  const db: Db = drizzle(pool, { casing: "snake_case" });
  db.transaction = createTransaction(pool, pooled && limitsOf(pooled));
  return db;
}

/** What a session of our own has from its start. */
const limitsOf = ({ statementSeconds }: PoolOptions) =>
  `set local statement_timeout = '${statementSeconds}s'; set local idle_in_transaction_session_timeout = '${idleSeconds}s'`;

/**
 * A transaction on a connection that goes back to the pool however it ends. drizzle-orm 0.45 keeps the connection for
 * ever when its `begin` fails, as on one that broke while it was idle: after a few of those the pool is empty. And it
 * throws what a failed `rollback` says, which on a broken connection is not what went wrong: here the first error counts,
 * and before it what PostgreSQL said when it ended the connection, as it does to a transaction that waits for too long.
 */
function createTransaction(pool: pg.Pool, limits: string | undefined): Db["transaction"] {
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
      const db: Db = drizzle(client, { casing: "snake_case" });
      const runWithin = async (tx: Parameters<typeof run>[0]) => {
        if (limits !== undefined) await tx.execute(sql.raw(limits));
        return run(tx);
      };
      return await db.transaction((tx) => runWithin(tx).catch(remember), config);
    } catch (error) {
      throw failure?.error ?? error;
    } finally {
      client.off("error", rememberEnd);
      client.release();
    }
  };
}

/**
 * Waits until the database answers, and tells whether something stands before it that gives a session away with each
 * transaction. PgBouncer refuses start-up options that a session of our own would keep, or has been told to ignore them;
 * Supavisor ignores them.
 */
async function findPooler({ url, startSeconds }: { url: string; startSeconds: number }): Promise<boolean> {
  const giveUpAt = performance.now() + startSeconds * 1000;
  for (;;) {
    try {
      return await refusesOptions(url);
    } catch (error) {
      // To wait for what somebody must correct would only hide it.
      if (troubleOf(error) === "login_refused" || troubleOf(error) === "no_such_database") throw asConfigError(error);
      if (performance.now() > giveUpAt) throw asConfigError(error, ` within ${startSeconds} s`);
      await sleep(500);
    }
  }
}

async function refusesOptions(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, ...ofSession(5) });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query("select current_setting('enable_seqscan') as seqscan");
    return rows[0]?.seqscan !== "off";
  } catch (error) {
    if (/unsupported startup parameter/i.test((error as Error).message)) return true;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function asConfigError(error: unknown, after = ""): ConfigError {
  const { message } = error as Error;
  return new ConfigError(
    `DATABASE_URL: the database cannot be used${after} (${message}): ${databaseTroubles[troubleOf(error)]}.`,
  );
}
