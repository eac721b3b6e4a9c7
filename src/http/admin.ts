import { createHash, timingSafeEqual } from "node:crypto";
import express, { type RequestHandler, Router } from "express";
import { conversationRoutes } from "./admin-conversations.ts";
import { deliveryRoutes } from "./admin-deliveries.ts";
import { locationRoutes } from "./admin-locations.ts";
import { type AdminContext, mappingRoutes } from "./admin-mappings.ts";
import { messageRoutes } from "./admin-messages.ts";
import { previewRoutes } from "./admin-preview.ts";
import { webhookAdminRoutes } from "./admin-webhooks.ts";
import { Problem } from "./problem.ts";

/**
 * The admin route, for integrators and operators: JSON in and out, problem details for everything else.
 * - 400 the body is not JSON · 401 no or another key · 404 nothing there · 409 taken · 413 too large a body
 * - 415 not Content-Type: application/json · 422 with the path of each wrong field · 503 the database is away
 */
export function adminRoutes(context: AdminContext & { adminApiKey: string }): Router {
  const router = Router();
  // A preview carries a whole webhook, whose bytes grow by a third in base64.
  router.use(requireKey(context.adminApiKey), ...jsonBody(Math.ceil(context.bodyLimitBytes.email * 1.5)));
  router.use("/locations", locationRoutes(context));
  router.use("/mappings", mappingRoutes(context), conversationRoutes(context), previewRoutes(context));
  router.use("/messages", messageRoutes(context));
  router.use("/deliveries", deliveryRoutes(context));
  router.use("/webhooks", webhookAdminRoutes(context));
  return router;
}

export function requireKey(key: string): RequestHandler {
  const expected = digest(`Bearer ${key}`);
  return (req, _res, next) => {
    if (timingSafeEqual(digest(req.headers.authorization ?? ""), expected)) return next();
    throw new Problem(401, "send the header Authorization: Bearer <ADMIN_API_KEY>", {
      headers: { "WWW-Authenticate": "Bearer" },
    });
  };
}

/** Bodies are JSON, and say so. */
export function jsonBody(limit: number): RequestHandler[] {
  return [requireJson, express.json({ limit, strict: true })];
}

/** `curl -d` alone says that it posts a form. */
const requireJson: RequestHandler = (req, _res, next) => {
  const hasBody = req.headers["content-length"] !== "0" && req.is("*/*") !== null;
  if (!hasBody || req.is("json")) return next();
  throw new Problem(415, "send the body as JSON, with the header Content-Type: application/json");
};

/** Equal lengths, so that the comparison takes the same time whatever was sent. */
const digest = (text: string) => createHash("sha256").update(text).digest();
