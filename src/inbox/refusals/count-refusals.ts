import { describeError, type Log } from "../../log.ts";
import type { Db } from "../../store/postgres/database.ts";
import { addRefusals, type Refusals } from "../../store/trouble/refused-webhooks.ts";

/** What operators see of what was turned away, over all processes. */
export interface RefusalCounts {
  add(refusal: Omit<Refusals, "count">): void;
  /** Keeps what is not kept yet. */
  stop(): Promise<void>;
}

/** One statement for so long, however many strangers there are. */
const gatherMs = 1000;
/** Of known accounts and mappings there are no more reasons than this at once; a stranger must not fill the memory. */
const maxKeys = 10_000;

export function createRefusalCounts({ db, log }: { db: Db; log: Log }): RefusalCounts {
  let gathered = new Map<string, Refusals>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function gather({ count, ...refusal }: Refusals): void {
    const key = `${refusal.ownerId} ${refusal.source} ${refusal.reason}`;
    const before = gathered.get(key)?.count ?? 0;
    if (before === 0 && gathered.size >= maxKeys) return;
    gathered.set(key, { ...refusal, count: before + count });
    if (!isStopped) timer ??= setTimeout(keep, gatherMs).unref();
  }

  /** While the database is away they are gathered on. */
  async function keep(): Promise<void> {
    timer = undefined;
    const kept = [...gathered.values()].sort((a, b) => (a.ownerId < b.ownerId ? -1 : 1));
    gathered = new Map();
    if (kept.length === 0) return;
    try {
      await addRefusals(db, kept);
    } catch (error) {
      log("debug", "refusals.not_kept", describeError(error));
      for (const each of kept) gather(each);
    }
  }

  return {
    add: (refusal) => gather({ ...refusal, count: 1 }),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await keep();
    },
  };
}
