import { sql } from "drizzle-orm";
import { type Db, selectRows } from "../../src/store/postgres/database.ts";
import type { Page } from "../../src/store/postgres/walk-newest.ts";

/** What a list finds, and how many rows and entries of indexes it reads, of whatever table, as PostgreSQL counts them. */
export async function countRead(
  db: Db,
  list: () => Promise<Page<unknown> | unknown[]>,
): Promise<{ found: number; read: number }> {
  const readSoFar = async () => {
    await db.execute(sql`select pg_stat_force_next_flush()`);
    const [row] = await selectRows<{ count: number }>(
      db,
      sql`
        select (select sum(seq_tup_read) from pg_stat_user_tables)::int
          + (select sum(idx_tup_read) from pg_stat_user_indexes)::int as count`,
    );
    return row?.count ?? 0;
  };
  const before = await readSoFar();
  const listed = await list();
  const { length: found } = Array.isArray(listed) ? listed : listed.rows;
  return { found, read: (await readSoFar()) - before };
}

/** A few entries for each row that is shown. */
export const fewTimes = (found: number) => 8 * found + 20;
