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
  parts?: Parts;
  /** Of the whole, or of each part. */
  rows: number;
  /** They are gone in moments, as what waits is: both statements see the same ones, else a page would be short of what went in between. */
  isFleeting?: true;
}

interface Parts {
  column: AnyPgColumn | SQL;
  values: readonly (string | number)[];
  type: "uuid" | "bigint" | "int" | "text";
  /** There are few of each: the newest of all of them together. */
  areFew?: boolean;
}

/**
 * What `select` finds among the rows that these walks come to, down to where all of them have come: a page holds nothing
 * below, and the next one begins there. That is found first, so that nothing is passed over, whatever comes or goes in
 * between. A walk through a whole table that looks at no more rows than the page may show needs no end.
 */
export async function listNewest<Row>(
  db: Db,
  walks: Walk[],
  { before, limit }: { before?: number | undefined; limit: number },
  select: (tx: Db, isWalked: SQL | undefined) => PromiseLike<Row[]>,
): Promise<Page<Row>> {
  if (walks.length === 0) return { rows: [], walkedTo: undefined };
  const hasNoEnd = walks.length === 1 && walks.every(({ parts, rows }) => !parts && rows === limit);
  const read = async (tx: Db): Promise<Page<Row>> => {
    const walkedTo = hasNoEnd ? undefined : await findEnd(tx, walks, before);
    const rows = await select(tx, isWalkedBy(walks, before, walkedTo));
    return { rows, walkedTo: rows.length < limit ? walkedTo : undefined };
  };
  const isFleeting = walks.some((walk) => walk.isFleeting);
  return isFleeting ? db.transaction(read, { isolationLevel: "repeatable read", accessMode: "read only" }) : read(db);
}

async function findEnd(tx: Db, walks: Walk[], before: number | undefined): Promise<number | undefined> {
  const last = walks.map((walk) => sql`select id from (${lastOf(walk, before)}) ids`);
  const [found] = await selectRows<{ id: number | null }>(
    tx,
    sql`select max(id) as id from (${sql.join(last, sql` union all `)}) ends`,
  );
  return found?.id ?? undefined;
}

/** The rows of one walk through a whole table are told by its end alone: of several they are found first. */
function isWalkedBy(walks: Walk[], before: number | undefined, walkedTo: number | undefined): SQL | undefined {
  const [first] = walks;
  const isAbove = (walk: Walk) =>
    and(isBefore(walk, before), walkedTo === undefined ? undefined : gte(walk.table.id, walkedTo));
  if (first && !first.parts && walks.length === 1) return isAbove(first);
  const ids = walks.map((walk) =>
    walk.parts ? ofEach(walk, walk.parts, isAbove(walk)) : ofWhole(walk, isAbove(walk)),
  );
  return first && sql`${first.table.id} = any(array(${sql.join(ids, sql` union all `)}))`;
}

const isBefore = ({ table, condition }: Walk, before: number | undefined) =>
  and(condition, before === undefined ? undefined : lt(table.id, before));

const ofWhole = ({ table }: Walk, isWalked: SQL | undefined) =>
  sql`select ${table.id} as id from ${table} where ${isWalked ?? sql`true`}`;

/** Keeps the parts apart where the planner is not told to: else it reads the whole table once for all of them. */
const apart = sql`offset 0`;

const ofEach = ({ table }: Walk, { column, values, type }: Parts, isWalked: SQL | undefined, newest = apart) => sql`
  select newest.id from unnest(${sql.param(values)}::${sql.raw(type)}[]) as part (value) cross join lateral (
    select ${table.id} as id from ${table} where ${and(sql`${column} = part.value`, isWalked)} ${newest}
  ) newest`;

/** The last row of a walk; of parts each the last one of each. None where there are fewer. */
function lastOf(walk: Walk, before: number | undefined): SQL {
  const { table, parts, rows } = walk;
  const isWalked = isBefore(walk, before);
  const newest = (count: number) => sql`order by ${table.id} desc limit ${count}`;
  const last = sql`order by ${table.id} desc offset ${rows - 1} limit 1`;
  if (!parts) return sql`${ofWhole(walk, isWalked)} ${last}`;
  if (!parts.areFew) return ofEach(walk, parts, isWalked, last);
  // None below the last of the newest of a few of each is among the newest of all: of many parts with much each, little is read.
  const few = Math.ceil((2 * rows) / parts.values.length);
  const lastOfAll = sql`order by newest.id desc offset ${rows - 1} limit 1`;
  const lastOfFew = sql`${ofEach(walk, parts, isWalked, newest(few))} ${lastOfAll}`;
  const from = few < rows ? sql`${table.id} >= coalesce((${lastOfFew}), 0)` : undefined;
  return sql`${ofEach(walk, parts, and(isWalked, from), newest(rows))} ${lastOfAll}`;
}

/** How many rows of each part: all together no more than `maxWalked`, but of each as many as a page may show. */
export function rowsOfEach(parts: number, limit: number, isFiltered: boolean): number {
  return isFiltered ? Math.max(limit, Math.floor(maxWalked / Math.max(parts, 1))) : limit;
}
