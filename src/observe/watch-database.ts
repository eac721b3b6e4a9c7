import { remember } from "../concurrency/remember.ts";
import { share } from "../concurrency/share.ts";
import { Late, within } from "../concurrency/within.ts";
import type { Log } from "../log.ts";
import type { Db } from "../store/postgres/database.ts";
import {
  type DatabaseTrouble,
  databaseTroubles,
  isTimeout,
  isUnavailable,
  troubleOf,
  troubleOfState,
} from "../store/postgres/database-errors.ts";
import { probeWrites } from "../store/trouble/probe-writes.ts";

/** Can PostgreSQL be written to? Reading alone shows no full disk. */
export interface DatabaseWatch {
  /** Remembers how the storing of a webhook ends, and passes it on. */
  storing<Result>(work: Promise<Result>): Promise<Result>;
  /** Undefined when all is well, by what was stored lately, and by a probe every half a minute at most. */
  trouble(): Promise<DatabaseTrouble | undefined>;
}

const probeSeconds = 30;
/** The probe may find room where a webhook found none: so what those met counts, too. */
const failedSeconds = 30;
/** Whoever asks gives up before a statement does. */
const maxSeconds = 4;

export function watchDatabase(db: Db): DatabaseWatch {
  let failed: { trouble: DatabaseTrouble; atMs: number } | undefined;
  const probe = share(async () => {
    await probeWrites(db);
    return "ok";
  });
  const probed = remember(probe, { seconds: probeSeconds });
  return {
    async storing(work) {
      try {
        const result = await work;
        failed = undefined;
        return result;
      } catch (error) {
        if (isUnavailable(error) || isTimeout(error)) {
          failed = { trouble: troubleOf(error), atMs: performance.now() };
          probed.forget("");
        }
        throw error;
      }
    },
    async trouble() {
      const found = await within(maxSeconds, probed.get("")).then(
        () => undefined,
        (error: unknown) => (error instanceof Late ? "slow" : troubleOf(error)),
      );
      if (found) return found;
      return failed && performance.now() - failed.atMs < failedSeconds * 1000 ? failed.trouble : undefined;
    },
  };
}

/** Whose errors are the database's, where they are a connection's. */
const ofDatabase = new Set(["worker.failed", "webhook.unavailable", "notifications.lost"]);

/** Lines that tell PostgreSQL's code of what went wrong tell it in words, too; and those that it was not reached. */
export function nameDatabaseTroubles(log: Log): Log {
  return (level, event, fields) => {
    const code = typeof fields?.["code"] === "string" ? fields["code"] : "";
    const isUnreached = ofDatabase.has(event) && /^E[A-Z_]+$/.test(code);
    const trouble = isUnreached ? "unreachable" : troubleOfState(code);
    log(level, event, trouble ? { ...fields, database: trouble, advice: databaseTroubles[trouble] } : fields);
  };
}
