import { type SQL, type SQLWrapper, sql } from "drizzle-orm";

/** Is the column one of these? A single parameter, however many there are: PostgreSQL takes 65,535 in a statement. */
export function isAnyOf(column: SQLWrapper, values: readonly string[], type?: "text" | "uuid"): SQL;
export function isAnyOf(column: SQLWrapper, values: readonly number[]): SQL;
export function isAnyOf(column: SQLWrapper, values: readonly (string | number)[], type = "text"): SQL {
  // Of nothing its type cannot be told.
  if (values.length === 0) return sql`false`;
  return sql`${column} = any(${sql.param(values)}::${sql.raw(typeof values[0] === "number" ? "bigint" : type)}[])`;
}
