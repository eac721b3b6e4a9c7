import { type Placeholder, type Query, type SQL, sql } from "drizzle-orm";
import { PgDialect, type PgSession } from "drizzle-orm/pg-core";
import type { Db } from "./database.ts";

/**
 * A statement that each connection has PostgreSQL parse and plan once, under a name of its own: for those that every
 * message needs, planning takes longer than carrying them out. Times come as text.
 */
export function prepare<Values extends object, Row = unknown>(
  name: string,
  write: (value: (name: keyof Values & string) => Placeholder) => SQL,
): (db: Db, values: Values) => Promise<Row[]> {
  let query: Query | undefined;
  return async (db, values) => {
    query ??= dialect.sqlToQuery(write(sql.placeholder));
    const statement = sessionOf(db).prepareQuery(query, undefined, name, false);
    return ((await statement.execute(values as Record<string, unknown>)) as { rows: Row[] }).rows;
  };
}

const dialect = new PgDialect({ casing: "snake_case" });

/** drizzle-orm has named statements of its query builder, and its session has them for all; its types hide that. */
const sessionOf = (db: Db) => (db as unknown as { session: PgSession }).session;
