import { z } from "zod";
import { type AuditFilter, listAudit } from "../../store/operate/audit.ts";
import type { Db } from "../../store/postgres/database.ts";
import { auditAnswer } from "../answers/operator.ts";
import { pageOf } from "../answers/page.ts";
import { numberedPageQuery, toPage } from "../list.ts";
import { operation, reply } from "../operations/operation.ts";
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

export const auditOperations = {
  listAudit: operation({
    method: "GET",
    path: "/admin/audit",
    tag: "Audit",
    summary: "Lists who wrote what and when, newest first, also what was refused.",
    description: "An integrator's key sees what was written with it.",
    by: "any key",
    query: {
      ...numberedPageQuery,
      ...timeFields,
      ...about,
      who: text.optional().describe("`admin`, or a key, such as `key 7`."),
    },
    answers: { 200: pageOf(auditAnswer) },
    async handle({ people }: { people: Db }, { caller: { who, isToMapping }, query }) {
      const { limit, cursor, from, until, who: asked, ...ids } = query;
      const given = Object.entries(ids).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
      if (isToMapping && asked !== undefined && asked !== who) return reply(200, { items: [], nextCursor: null });
      const filter: AuditFilter = { ids: Object.fromEntries(given), from, until, who: isToMapping ? who : asked };
      const { rows, walkedTo } = await listAudit(people, { ...filter, before: cursor, limit: limit + 1 });
      return reply(200, toPage(rows, { limit, keyOf: (row) => row.id, show: (row) => row, walkedTo }));
    },
  }),
};
