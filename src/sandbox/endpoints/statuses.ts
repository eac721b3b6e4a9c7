import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { requireOwnLocation } from "../access.ts";
import { ApiError, refuse } from "../api-error.ts";
import { parseRequest } from "../parse-request.ts";
import type { State, StoredMessage } from "../state.ts";

const textStatuses = ["delivered", "failed", "pending", "read"] as const;
const emailStatuses = [
  "pending",
  "scheduled",
  "sent",
  "delivered",
  "read",
  "undelivered",
  "connected",
  "failed",
  "opened",
  "clicked",
] as const;

/** `UpdateMessageStatusDto`; its recipients are texts by its schema, and objects in its example. */
const textUpdate = z.strictObject({
  status: z.enum(textStatuses),
  error: z.strictObject({ code: z.string(), type: z.string(), message: z.string() }).optional(),
  emailMessageId: z.string().optional(),
  recipients: z
    .array(z.union([z.string(), z.strictObject({ emailId: z.string(), status: z.enum(emailStatuses) })]))
    .optional(),
});

/** `UpdateEmailMessageStatusDto` */
const emailUpdate = z.strictObject({
  status: z.enum(emailStatuses),
  events: z.record(z.string(), z.number().int()).optional(),
  recipients: z
    .array(z.strictObject({ emailId: z.string(), status: z.enum(emailStatuses), failReason: z.string().optional() }))
    .optional(),
});

/**
 * `PUT /conversations/messages/{messageId}/status` for texts, and `…/email/{emailMessageId}/status` for emails, which
 * exists from Version v3 on. A new message is not visible to them at once: 403.
 */
export function statusRoutes(state: State, visibleAfterMs: number): Router {
  const router = Router();

  router.put("/email/:id/status", (req, res) => {
    if (req.get("version") !== "v3") throw new ApiError(404, `Cannot PUT ${req.originalUrl}`, { error: "Not Found" });
    const email = requireReportable(req, res, state.emails.get(req.params.id));
    const { status, events = {}, recipients = [] } = parseRequest(emailUpdate, req.body);
    const original = [email.emailTo, ...(email.emailCc ?? []), ...(email.emailBcc ?? [])];
    for (const { emailId } of recipients) {
      if (!original.includes(emailId)) throw new ApiError(400, `${emailId} is not a recipient of this email`);
    }
    for (const { emailId, ...fate } of recipients) email.recipients = { ...email.recipients, [emailId]: fate };
    for (const [name, count] of Object.entries(events)) {
      email.events = { ...email.events, [name]: (email.events?.[name] ?? 0) + count };
    }
    keep(email, status);
    res.json({ success: true, message: "Email status updated" });
  });

  router.put("/:id/status", (req, res) => {
    const [message] = state.entries.get(req.params.id)?.messages ?? [];
    // Emails have a call of their own.
    const text = requireReportable(req, res, message?.emailMessageId ? undefined : message);
    const { status, error } = parseRequest(textUpdate, req.body);
    if (error) text.error = error;
    keep(text, status);
    const { conversationId, messageId } = text;
    res.json({ conversationId, messageId, status });
  });

  function requireReportable(req: Request, res: Response, message: StoredMessage | undefined): StoredMessage {
    if (isPrivateToken(req)) {
      throw refuse.code(401, "This provider is not yours", "CONVERSATIONS_MSG_PROVIDER_NO_ACCESS");
    }
    if (!message) throw new ApiError(401, `No message found for the id ${String(req.params["id"])}`);
    requireOwnLocation(req, res, message.locationId);
    if (!message.conversationProviderId || message.direction !== "outbound") {
      throw new ApiError(403, "No conversation provider found for this message");
    }
    if (Date.now() - Date.parse(message.dateAdded) >= visibleAfterMs) return message;
    throw new ApiError(403, "No conversation provider found for this message");
  }
  return router;
}

/** A private integration token owns no conversation provider. */
export function isPrivateToken(req: Request): boolean {
  return req.get("authorization")?.startsWith("Bearer pit-") ?? false;
}

function keep(message: StoredMessage, status: string): void {
  message.status = status;
  message.statuses = [...(message.statuses ?? []), status];
}
