import { InvalidRequest } from "../../errors.ts";
import { enqueueDeliveries } from "../../store/deliveries.ts";
import {
  changeImport,
  countOpenBeside,
  findOpenImport,
  insertImport,
  listAbandonedImports,
  lockForHistory,
  type NewImport,
} from "../../store/imports/imports.ts";
import { listUnended } from "../../store/imports/unread.ts";
import { findMapping } from "../../store/mappings.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Import } from "../../store/schema.ts";

/** As many of one location may be open: each holds what it has read until that is posted. */
const mostOpen = 20;

/** One of a mapping at a time. Throws an InvalidRequest while another one is open, or as many of its location as may be. */
export async function makeImport(db: Db, row: NewImport): Promise<Import> {
  return db.transaction(async (tx) => {
    await lockForHistory(tx, row.mappingId);
    const open = await findOpenImport(tx, row.mappingId);
    if (open) throw refusal(`import ${open.id} of this mapping is ${open.state}: wait for it, or stop it`);
    if ((await countOpenBeside(tx, row.mappingId)) >= mostOpen)
      throw refusal(`${mostOpen} imports of the location are open: wait for one, or stop one, at /admin/imports`);
    const made = await insertImport(tx, row);
    await setUnreadBack(tx, { importId: made.id, mappingId: row.mappingId });
    return made;
  });
}

const refusal = (why: string) => new InvalidRequest("conflict", why);

/** `false` for one that has ended, or was stopped so already. */
export async function endImport(db: Db, { id, mappingId }: Import, reason: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    const isEnded = await changeImport(tx, id, { state: "stopped", reason });
    if (isEnded) await setUnreadBack(tx, { importId: id, mappingId });
    return isEnded;
  });
}

/** Stops those that nobody has resumed for so many days: they are deleted as others that have ended. */
export async function endAbandoned(db: Db, days: number): Promise<void> {
  for (const each of await listAbandonedImports(db, days))
    await endImport(db, each, `nobody has resumed it for ${days} days (RETENTION_DAYS)`);
}

/** What is unread is set back in the conversations amid which it was stopped, and in those where that was given up before. */
async function setUnreadBack(tx: Db, { importId, mappingId }: { importId: number; mappingId: string }): Promise<void> {
  const mapping = await findMapping(tx, mappingId);
  if (!mapping) return;
  const about = { kind: "post-history" as const, locationId: mapping.locationId, messageId: undefined };
  const unended = await listUnended(tx, { importId, mappingId });
  await enqueueDeliveries(
    tx,
    unended.map((each) => ({ ...about, ...each })),
  );
}
