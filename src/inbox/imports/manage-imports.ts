import { InvalidRequest } from "../../errors.ts";
import { enqueueDeliveries } from "../../store/deliveries.ts";
import { findUnended } from "../../store/imports/import-rows.ts";
import {
  changeImport,
  countOpenImports,
  findOpenImport,
  insertImport,
  lockForHistory,
  type NewImport,
} from "../../store/imports/imports.ts";
import { findMapping } from "../../store/mappings.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { Import } from "../../store/schema.ts";

/** As many may be open, of one key and of all. */
const most = { own: 20, all: 100 };

/** One of a mapping at a time. Throws an InvalidRequest while another one is open, or as many as may be. */
export async function makeImport(db: Db, row: NewImport): Promise<Import> {
  return db.transaction(async (tx) => {
    await lockForHistory(tx, row.mappingId);
    const open = await findOpenImport(tx, row.mappingId);
    if (open) throw refusal(`import ${open.id} of this mapping is ${open.state}: wait for it, or stop it`);
    const { own, all } = await countOpenImports(tx, row.keyId);
    if (own >= most.own || all >= most.all)
      throw refusal("as many imports are open as may be: wait for one, or stop one, at /admin/imports");
    return insertImport(tx, row);
  });
}

const refusal = (why: string) => new InvalidRequest("conflict", why);

/** `false` for one that has ended, or was stopped so already. */
export async function endImport(db: Db, { id, mappingId }: Import, reason: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    const isEnded = await changeImport(tx, id, { state: "stopped", reason });
    if (isEnded) await endConversation(tx, { id, mappingId });
    return isEnded;
  });
}

/** What is unread in the conversation amid which it was stopped is set back all the same. */
async function endConversation(tx: Db, { id: importId, mappingId }: Pick<Import, "id" | "mappingId">): Promise<void> {
  const conversationId = await findUnended(tx, importId);
  const mapping = await findMapping(tx, mappingId);
  if (conversationId === undefined || !mapping) return;
  const { locationId } = mapping;
  await enqueueDeliveries(tx, [{ kind: "post-history", conversationId, locationId, messageId: undefined, importId }]);
}
