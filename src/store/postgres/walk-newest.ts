import { and, lt, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn, PgTable } from "drizzle-orm/pg-core";
import { type Db, selectRows } from "./database.ts";

/** One page of a list, newest first. */
export interface Page<Row> {
  rows: Row[];
  /** Where the list goes on, if it stopped before it had found enough; undefined where it has come to its end. */
  walkedTo: number | undefined;
}

/** So many rows a list looks at for one page, however few of them it may show. */
export const maxWalked = 10_000;

/** The rows that one page of a list looks at, found by an index, newest first. */
export interface Walk {
  table: PgTable & { id: AnyPgColumn };
  /** What the index itself goes by. */
  condition?: SQL | undefined;
  /** So many rows of each of these, else of the whole table. The index goes by the column, then by id. */
  parts?: { column: AnyPgColumn | SQL; values: readonly (string | number)[]; type: "uuid" | "bigint" | "int" };
  /** Of the whole, or of each part. */
  rows: number;
}

/**
 * What `select` finds among the ids that these walks come to, down to where all of them have come: a page holds nothing
 * below, and the next one begins there. Both see the same rows: else one that is delivered in between would hide those
 * behind it.
 */
export function listNewest<Row>(
  db: Db,
  walks: Walk[],
  { before, limit }: { before?: number | undefined; limit: number },
  select: (tx: Db, ids: SQL) => Promise<Row[]>,
): Promise<Page<Row>> {
  const read = async (tx: Db): Promise<Page<Row>> => {
    const walkedTo = await findEnd(tx, walks, before);
    const ids = walks.map((walk) => sql`select id from (${idsOf(walk, before, sql`limit ${walk.rows}`)}) ids`);
    const down = sql`select id from (${sql.join(ids, sql` union all `)}) walked where id >= ${walkedTo ?? 0}`;
    const rows = await select(tx, down);
    return { rows, walkedTo: rows.length < limit ? walkedTo : undefined };
  };
  return db.transaction(read, { isolationLevel: "repeatable read", accessMode: "read only" });
}

async function findEnd(tx: Db, walks: Walk[], before: number | undefined): Promise<number | undefined> {
  const last = walks.map(
    (walk) => sql`select id from (${idsOf(walk, before, sql`offset ${walk.rows - 1} limit 1`)}) ids`,
  );
  const [found] = await selectRows<{ id: number | null }>(
    tx,
    sql`select max(id) as id from (${sql.join(last, sql` union all `)}) ends`,
  );
  return found?.id ?? undefined;
}

function idsOf({ table, condition, parts }: Walk, before: number | undefined, range: SQL): SQL {
  const isWalked = and(condition, before === undefined ? undefined : lt(table.id, before));
  if (!parts)
    return sql`select ${table.id} as id from ${table} where ${isWalked ?? sql`true`} order by ${table.id} desc ${range}`;
  const { column, values, type } = parts;
  return sql`
    select newest.id from unnest(${sql.param(values)}::${sql.raw(type)}[]) as part (value) cross join lateral (
      select ${table.id} as id from ${table} where ${and(sql`${column} = part.value`, isWalked)}
      order by ${table.id} desc ${range}
    ) newest`;
}

/** How many rows of each part: all together no more than `maxWalked`, but of each as many as a page may show. */
export function rowsOfEach(parts: number, limit: number, isFiltered: boolean): number {
  return isFiltered ? Math.max(limit, Math.floor(maxWalked / Math.max(parts, 1))) : limit;
}
