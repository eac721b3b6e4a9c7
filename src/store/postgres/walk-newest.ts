import { and, gte, lt, type SQL, sql } from "drizzle-orm";
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
  parts?: {
    column: AnyPgColumn | SQL;
    values: readonly (string | number)[];
    type: "uuid" | "bigint" | "int" | "text";
    /** There are few of each: the newest of all of them together. */
    areFew?: boolean;
  };
  /** Of the whole, or of each part. */
  rows: number;
}

/**
 * What `select` finds among the rows that these walks come to, down to where all of them have come: a page holds nothing
 * below, and the next one begins there. Both see the same rows: else one that is delivered in between would hide those
 * behind it. A walk through a whole table that looks at no more rows than the page may show needs no end.
 */
export function listNewest<Row>(
  db: Db,
  walks: Walk[],
  { before, limit }: { before?: number | undefined; limit: number },
  select: (tx: Db, isWalked: SQL | undefined) => PromiseLike<Row[]>,
): Promise<Page<Row>> {
  if (walks.length === 0) return Promise.resolve({ rows: [], walkedTo: undefined });
  const hasNoEnd = walks.length === 1 && walks.every(({ parts, rows }) => !parts && rows === limit);
  const read = async (tx: Db): Promise<Page<Row>> => {
    const walkedTo = hasNoEnd ? undefined : await findEnd(tx, walks, before);
    const rows = await select(tx, isWalkedBy(walks, before, walkedTo));
    return { rows, walkedTo: rows.length < limit ? walkedTo : undefined };
  };
  return hasNoEnd ? read(db) : db.transaction(read, { isolationLevel: "repeatable read", accessMode: "read only" });
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

/** The rows of one walk through a whole table are told by its end alone: of several they are found first. */
function isWalkedBy(walks: Walk[], before: number | undefined, walkedTo: number | undefined): SQL | undefined {
  const [first] = walks;
  if (first && !first.parts && walks.length === 1)
    return and(isBefore(first, before), walkedTo === undefined ? undefined : gte(first.table.id, walkedTo));
  const ids = walks.map((walk) => sql`select id from (${idsOf(walk, before, sql`limit ${walk.rows}`)}) ids`);
  const down = sql`select id from (${sql.join(ids, sql` union all `)}) walked where id >= ${walkedTo ?? 0}`;
  return first && sql`${first.table.id} = any(array(${down}))`;
}

const isBefore = ({ table, condition }: Walk, before: number | undefined) =>
  and(condition, before === undefined ? undefined : lt(table.id, before));

function idsOf(walk: Walk, before: number | undefined, range: SQL): SQL {
  const { table, parts, rows } = walk;
  const isWalked = isBefore(walk, before);
  if (!parts)
    return sql`select ${table.id} as id from ${table} where ${isWalked ?? sql`true`} order by ${table.id} desc ${range}`;
  const { column, values, type, areFew } = parts;
  const ofEach = (limit: SQL, from?: SQL) => sql`
    select newest.id from unnest(${sql.param(values)}::${sql.raw(type)}[]) as part (value) cross join lateral (
      select ${table.id} as id from ${table} where ${and(sql`${column} = part.value`, isWalked, from)}
      order by ${table.id} desc ${limit}
    ) newest`;
  if (!areFew) return ofEach(range);
  // None below the last of the newest of a few of each is among the newest of all: of many parts with much each, little is read.
  const few = Math.ceil((2 * rows) / values.length);
  const last = sql`${ofEach(sql`limit ${few}`)} order by newest.id desc offset ${rows - 1} limit 1`;
  const from = few < rows ? sql`${table.id} >= coalesce((${last}), 0)` : undefined;
  return sql`${ofEach(sql`limit ${rows}`, from)} order by newest.id desc ${range}`;
}

/** How many rows of each part: all together no more than `maxWalked`, but of each as many as a page may show. */
export function rowsOfEach(parts: number, limit: number, isFiltered: boolean): number {
  return isFiltered ? Math.max(limit, Math.floor(maxWalked / Math.max(parts, 1))) : limit;
}
