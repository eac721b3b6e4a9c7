import { getTableColumns, getTableName, type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

/**
 * The columns of a table, all or some, for a statement that is written by hand, and how to read a row of them: several
 * times faster than the query builder does it, which matters for the widest rows on the busiest path.
 */
export function columnsOf<Row extends object>(
  table: PgTable,
  only?: readonly (keyof Row & string)[],
): { list: SQL; read(row: Record<string, unknown>): Row } {
  const name = getTableName(table);
  const all = Object.entries(getTableColumns(table));
  const wanted = only ? all.filter(([key]) => only.some((each) => each === key)) : all;
  const columns = wanted.map(([key, column]) => {
    const columnName = column.keyAsName ? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : column.name;
    const isConverted = column.dataType === "date" || column.dataType === "custom";
    const convert = isConverted ? (value: unknown) => column.mapFromDriverValue(value) : undefined;
    return { key, alias: `${name}.${key}`, column: `"${name}"."${columnName}"`, convert };
  });
  return {
    list: sql.raw(columns.map(({ column, alias }) => `${column} as "${alias}"`).join(", ")),
    read(row) {
      const read: Record<string, unknown> = {};
      for (const { key, alias, convert } of columns) {
        const value = row[alias];
        read[key] = convert && value !== null ? convert(value) : value;
      }
      return read as Row;
    },
  };
}
