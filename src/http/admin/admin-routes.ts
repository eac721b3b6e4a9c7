import express, { type RequestHandler, Router } from "express";
import { ParseError } from "../../errors.ts";
import { requireBearableJson } from "../../formats/bearable-json.ts";
import type { PreviewContext } from "../../inbox/preview.ts";
import type { Log } from "../../log.ts";
import { insertAudit } from "../../store/operate/audit.ts";
import type { BodyMemory } from "../body-memory.ts";
import { authenticate, callerOf, noteMount, refuseQuery, requireAdmin, type Write } from "../caller.ts";
import { Problem } from "../problem.ts";
import { declaredBytes } from "../read-body.ts";
import { accountRoutes } from "./accounts.ts";
import { auditRoutes } from "./audit.ts";
import { checkRoutes } from "./checks.ts";
import { conversationRoutes } from "./conversations.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { type EndpointsContext, endpointRoutes } from "./endpoints.ts";
import { importRoutes } from "./import-mappings.ts";
import { locationRoutes } from "./locations.ts";
import { type MappingsContext, mappingRoutes } from "./mappings.ts";
import { messageRoutes } from "./messages.ts";
import { holdRoutes } from "./operator/hold.ts";
import { keyRoutes } from "./operator/keys.ts";
import { providerRoutes } from "./operator/providers.ts";
import { type StatusContext, statusRoutes } from "./operator/status.ts";
import { optOutRoutes } from "./opt-outs.ts";
import { peopleRoutes } from "./people.ts";
import { previewRoutes } from "./preview.ts";
import { failedWebhookRoutes, webhookAdminRoutes } from "./webhooks.ts";

export interface AdminContext extends MappingsContext, StatusContext, PreviewContext, EndpointsContext {
  adminApiKeys: string[];
  log: Log;
  bodyMemory: BodyMemory;
}

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
  const keepWrite = (write: Write) => insertAudit(context.db, { ...write, route: write.route ?? null });
  router.use(
    authenticate(context, keepWrite),
    refuseQuery,
    ...jsonBody(context, Math.ceil(context.bodyLimitBytes.email * 1.5)),
  );
  router.use("/:part", noteMount);
  router.use("/keys", requireAdmin, keyRoutes(context));
  router.use("/status", requireAdmin, statusRoutes(context));
  router.use("/hold", requireAdmin, holdRoutes(context));
  router.use("/providers", requireAdmin, providerRoutes(context));
  router.use("/locations", locationRoutes(context));
  router.use("/accounts", accountRoutes(context));
  router.use(
    "/mappings",
    importRoutes(context),
    mappingRoutes(context),
    conversationRoutes(context),
    previewRoutes(context),
  );
  router.use("/endpoints", endpointRoutes(context));
  router.use("/opt-outs", optOutRoutes(context));
  router.use("/messages", messageRoutes(context));
  router.use("/deliveries", deliveryRoutes(context));
  router.use("/webhooks", failedWebhookRoutes(context), webhookAdminRoutes(context));
  router.use("/people", peopleRoutes(context));
  router.use("/audit", auditRoutes(context));
  router.use(checkRoutes(context));
  return router;
}

/**
 * Bodies are JSON, and say so. They share the memory of webhooks, a key as a mapping does: one whose length is not said
 * beforehand must be small, and none is packed.
 */
export function jsonBody({ bodyMemory }: Pick<AdminContext, "bodyMemory">, limit: number): RequestHandler[] {
  const checks = { strict: true, inflate: false, reviver: refuseUnstorable, verify: refuseUnbearable };
  const whole = express.json({ ...checks, limit });
  const small = express.json({ ...checks, limit: Math.min(limit, maxUnsaidBytes) });
  const read: RequestHandler = (req, res, next) => {
    const declared = declaredBytes(req);
    if (declared !== undefined && declared > limit) return whole(req, res, next);
    const hold = bodyMemory.begin(callerOf(res).who, declared ?? (req.is("*/*") === null ? 0 : maxUnsaidBytes));
    res.once("close", () => hold.end());
    return (declared === undefined ? small : whole)(req, res, next);
  };
  return [requireJson, read];
}

const maxUnsaidBytes = 1_000_000;

/** Before it is parsed: many small values take many times the memory of their bytes. */
function refuseUnbearable(_req: unknown, _res: unknown, body: Buffer): void {
  try {
    requireBearableJson(body);
  } catch (error) {
    throw error instanceof ParseError ? new Problem(413, error.message) : error;
  }
}

/** PostgreSQL holds neither U+0000 nor halves of surrogate pairs. */
function refuseUnstorable(name: string, value: unknown): unknown {
  if ([name, value].every((text) => typeof text !== "string" || (text.isWellFormed() && !text.includes("\0"))))
    return value;
  throw new Error("U+0000, or half of a surrogate pair");
}

const takesCsv = /^\/(mappings|opt-outs)\/import\/?$/i;

/** `curl -d` alone says that it posts a form. */
const requireJson: RequestHandler = (req, _res, next) => {
  const hasBody = req.headers["content-length"] !== "0" && req.is("*/*") !== null;
  if (!hasBody || req.is("json") || (req.is("text/csv") && takesCsv.test(req.path))) return next();
  throw new Problem(415, "send the body as JSON, with the header Content-Type: application/json");
};
