import type { Log } from "../log.ts";
import type { Database } from "../store/postgres/database.ts";
import { findHold } from "../store/trouble/holds.ts";

/** What an operator may not expect. */
export async function warn({ db, isPooled }: Database, log: Log): Promise<void> {
  const hold = await findHold(db);
  if (hold) log("warn", "sends.held", { since: hold.createdAt, startedBy: hold.startedBy, advice: heldAdvice });
  if (isPooled) log("warn", "database.pooled", { advice: pooledAdvice });
}

const heldAdvice =
  "nothing goes out to people: DELETE /admin/hold ends it, and HOLD_SENDS must be unset before the next start";

const pooledAdvice =
  "a pooler in transaction mode stands before PostgreSQL: this process looks for work once in a second instead of being told, and each statement is planned anew. Where it can be had, give DATABASE_URL the database's own address";
