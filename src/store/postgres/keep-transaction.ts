import { sql } from "drizzle-orm";
import type { Db } from "./database.ts";

const everyMs = 1000;

/**
 * Runs what may take long within a transaction, such as a thread's reading of a large mail, and lets PostgreSQL know
 * meanwhile that this process is there. One that stands still does not, and loses the transaction after
 * `idle_in_transaction_session_timeout`.
 */
export async function keepTransaction<Result>(tx: Db, run: () => Promise<Result>): Promise<Result> {
  // What breaks the transaction is heard of by its next statement.
  const timer = setInterval(() => tx.execute(sql`select 1`).catch(() => undefined), everyMs);
  try {
    return await run();
  } finally {
    clearInterval(timer);
  }
}
