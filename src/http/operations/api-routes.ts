import { Router } from "express";
import type { Channel } from "../../model.ts";
import { type AdminContext, adminOperations } from "../admin/operations.ts";
import type { Write } from "../caller.ts";
import { type SendContext, sendOperations } from "../send.ts";
import { keepWrites } from "./calls.ts";
import { operationRoutes, type RoutesContext } from "./routes.ts";

export type ApiContext = AdminContext & SendContext & RoutesContext & { bodyLimitBytes: Record<Channel, number> };

/** JSON in and out, problem details for everything else. */
export function apiRoutes(context: ApiContext): Router {
  const router = Router();
  const { email } = context.bodyLimitBytes;
  // A preview carries a whole webhook, whose bytes grow by a third in base64.
  const admin = { below: "/admin", bodyLimitBytes: Math.ceil(email * 1.5), noteWrite: keepWrites(context) };
  const send = {
    below: "/v1/messages",
    bodyLimitBytes: email,
    noteWrite: (write: Write) => context.log("info", "admin.wrote", { ...write }),
  };
  router.use(operationRoutes(context, adminOperations, admin), operationRoutes(context, sendOperations, send));
  return router;
}
