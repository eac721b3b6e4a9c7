import { Router } from "express";
import { z } from "zod";
import { type AuditFilter, listAudit } from "../../store/operate/audit.ts";
import type { Db } from "../../store/postgres/database.ts";
import { callerOf } from "../caller.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { parseQuery } from "../problem.ts";
import { text, timeFields } from "./fields.ts";

const rowId = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional();
const about = {
  locationId: text.optional(),
  accountId: z.uuid().optional(),
  mappingId: z.uuid().optional(),
  messageId: rowId,
  deliveryId: rowId,
  webhookId: rowId,
  keyId: rowId,
  endpointId: z.uuid().optional(),
};
const listQuery = z.object({ ...numberedPageQuery, ...timeFields, ...about, who: text.optional() });

/**
 * `GET /admin/audit` 200: who wrote what and when, newest first, also what was refused: by `who` (`admin`, `key 7`), time,
 * and the ids that it was about. An integrator's key sees what was written with it.
 */
export function auditRoutes({ people }: { people: Db }): Router {
  const router = Router();
  router.get("/", async (req, res) => {
    const { limit, cursor, from, until, who: asked, ...ids } = parseQuery(listQuery, req.query);
    const { who, isToMapping } = callerOf(res);
    const given = Object.entries(ids).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
    const filter: AuditFilter = { ids: Object.fromEntries(given), from, until, who: asked };
    if (isToMapping && asked !== undefined && asked !== who) return void res.json({ items: [], nextCursor: null });
    if (isToMapping) filter.who = who;
    const { rows, walkedTo } = await listAudit(people, { ...filter, before: cursor, limit: limit + 1 });
    res.json(toPage(rows, { limit, keyOf: (row) => row.id, show: (row) => row, walkedTo }));
  });
  return router;
}
