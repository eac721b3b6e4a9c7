import { Router } from "express";
import type { PreviewContext } from "../../inbox/preview.ts";
import type { Log } from "../../log.ts";
import type { BodyMemory } from "../body-memory.ts";
import { authenticateByPath, noteMount, refuseQuery, requireAdmin } from "../caller.ts";
import { type Calls, createCalls, keepWrites } from "../operations/calls.ts";
import { jsonBody } from "../operations/json-body.ts";
import { operationRoutes } from "../operations/routes.ts";
import { accountRoutes } from "./accounts.ts";
import { auditRoutes } from "./audit.ts";
import { checkRoutes } from "./checks.ts";
import { conversationRoutes } from "./conversations.ts";
import { deliveryOperations } from "./deliveries.ts";
import { type EndpointsContext, endpointRoutes } from "./endpoints.ts";
import { importRoutes } from "./import-mappings.ts";
import { locationRoutes } from "./locations.ts";
import { type MappingsContext, mappingRoutes } from "./mappings.ts";
import { messageOperations } from "./messages.ts";
import { holdRoutes } from "./operator/hold.ts";
import { keyRoutes } from "./operator/keys.ts";
import { providerRoutes } from "./operator/providers.ts";
import { type StatusContext, statusRoutes } from "./operator/status.ts";
import { optOutRoutes } from "./opt-outs.ts";
import { peopleRoutes } from "./people.ts";
import { previewRoutes } from "./preview.ts";
import { webhookOperations } from "./webhooks.ts";

export interface AdminContext extends MappingsContext, StatusContext, PreviewContext, EndpointsContext {
  adminApiKeys: string[];
  log: Log;
  bodyMemory: BodyMemory;
}

/** What the admin route does. */
const operations = { ...messageOperations, ...deliveryOperations, ...webhookOperations };

/** The same for who calls from within the process. */
export const createOperations = (context: AdminContext): Calls<typeof operations> => createCalls(context, operations);

/**
 * The admin route, for integrators and operators: JSON in and out, problem details for everything else.
 * - 400 the body is not JSON · 401 no or another key · 403 the key is for reading, or does not reach that location
 * - 404 nothing there, or nothing that the key reaches · 409 taken · 413 too large a body
 * - 415 not Content-Type: application/json, or packed · 422 with the path of each wrong field · 503 the database is away, or
 *   too much is being read
 *
 * Every write leaves a row in `audit`, and a line `admin.wrote` in the log: who, the route's pattern, the status, and the ids that
 * it is about.
 */
export function adminRoutes(context: AdminContext): Router {
  const router = Router();
  // A preview carries a whole webhook, whose bytes grow by a third in base64.
  const bodyLimitBytes = Math.ceil(context.bodyLimitBytes.email * 1.5);
  const noteWrite = keepWrites(context);
  router.use(operationRoutes(context, operations, { bodyLimitBytes, noteWrite }));
  const rest = Router();
  router.use("/admin", rest);
  rest.use(
    authenticateByPath(context, noteWrite),
    refuseQuery,
    ...jsonBody(context, bodyLimitBytes, { takesCsv: true }),
  );
  rest.use("/:part", noteMount);
  rest.use("/keys", requireAdmin, keyRoutes(context));
  rest.use("/status", requireAdmin, statusRoutes(context));
  rest.use("/hold", requireAdmin, holdRoutes(context));
  rest.use("/providers", requireAdmin, providerRoutes(context));
  rest.use("/locations", locationRoutes(context));
  rest.use("/accounts", accountRoutes(context));
  rest.use(
    "/mappings",
    importRoutes(context),
    mappingRoutes(context),
    conversationRoutes(context),
    previewRoutes(context),
  );
  rest.use("/endpoints", endpointRoutes(context));
  rest.use("/opt-outs", optOutRoutes(context));
  rest.use("/people", peopleRoutes(context));
  rest.use("/audit", auditRoutes(context));
  rest.use(checkRoutes(context));
  return router;
}
