import { type Placeholder, type SQL, sql } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** A database or a transaction: store functions take either. */
export type Db = PgDatabase<PgQueryResultHKT>;

export interface Database {
  db: Db;
  /**
   * For what people read: a few connections of their own, and no statement beyond 5 seconds, so that a list never takes
   * those of webhooks and of the worker. The embedded database has one connection for all.
   */
  people: Db;
  /** Is there a pooler before it, through which nobody is told of what others do? */
  isPooled: boolean;
  /** What it is, and which migrations it has. */
  describe(): Promise<{ version: string; migrations: number; lastMigrationAt: string | null }>;
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

/** Rows of a statement that the query builder cannot express. Times come as text. */
export async function selectRows<Row>(db: Db, statement: SQL): Promise<Row[]> {
  const result = await db.execute(statement);
  return (result as unknown as { rows: Row[] }).rows;
}

/** `now()` moved by some seconds: schedules are PostgreSQL's clock, never a process's. */
export function secondsFromNow(seconds: number | Placeholder): SQL {
  return sql`now() + make_interval(secs => ${seconds})`;
}
