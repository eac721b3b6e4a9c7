import type { Db } from "../../postgres/database.ts";
import { repeatOnConflict } from "../../postgres/database-errors.ts";

/**
 * Does the next step of a job that is due; undefined where none is. A step is one transaction, which locks the job: no two
 * processes do one, and what dies amid a step has not done it. One whose step fails says why, and keeps back no other.
 */
export async function stepDue<Job, Done>(
  db: Db,
  {
    lock,
    step,
    noteFailure,
  }: {
    lock: (tx: Db) => Promise<Job | undefined>;
    step: (tx: Db, job: Job) => Promise<Done>;
    /** It is tried again in a minute. */
    noteFailure: (job: Job, reason: string) => Promise<void>;
  },
): Promise<{ job: Job; done: Done } | undefined> {
  let due: Job | undefined;
  try {
    return await repeatOnConflict(() =>
      db.transaction(async (tx) => {
        due = await lock(tx);
        return due && { job: due, done: await step(tx, due) };
      }),
    );
  } catch (error) {
    if (!due) throw error;
    const reason = "its last step failed, and is tried again every minute: the log has why, as worker.failed";
    // Where that fails, too, what ails the database keeps back all of them anyway.
    await noteFailure(due, reason).catch(() => undefined);
    throw error;
  }
}
