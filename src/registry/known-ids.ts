import { share } from "../concurrency/share.ts";
import { listIdsSince } from "../store/accounts.ts";
import type { Db } from "../store/postgres/database.ts";

/** Is there an account or a mapping with this id? However many ask for ids that do not exist, the database is asked four times a second. */
export type IsKnownId = (id: string) => Promise<boolean>;

const refreshMs = 250;

/**
 * Keeps the ids of all accounts and mappings at hand, deleted ones too. An id that is not among them is looked for in the next refresh,
 * shared by all who wait for it, which reads those that were added since the last one.
 */
export function createKnownIds(db: Db): IsKnownId {
  const ids = new Set<string>();
  let readUntil: Date | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;

  const refresh = share(async () => {
    const waitMs = readAtMs + refreshMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const { added, until } = await listIdsSince(db, readUntil);
    for (const id of added) ids.add(id);
    readUntil = until;
    readAtMs = performance.now();
  });

  return async (id) => {
    if (ids.has(id)) return true;
    await refresh();
    return ids.has(id);
  };
}
