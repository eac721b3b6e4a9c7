import { Router } from "express";
import { z } from "zod";
import type { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Wake } from "../model.ts";
import type { AttemptContext } from "../outbox/attempt-once.ts";
import { type RelayResult, requestRelay } from "../outbox/request-relay.ts";
import { findMessage } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Message } from "../store/schema.ts";
import { jsonBody } from "./admin/admin-routes.ts";
import type { BodyMemory } from "./body-memory.ts";
import { authenticate, callerOf, requireReach } from "./caller.ts";
import { Problem, parseId, parseInput } from "./problem.ts";

export interface SendContext {
  db: Db;
  log: Log;
  /** What an attempt works with: a send that is waited for is attempted at once. */
  delivering: AttemptContext;
  adminApiKey: string;
  bodyLimitBytes: { email: number };
  bodyMemory: BodyMemory;
  onWork: Wake;
}

const types = [
  "SMS",
  "RCS",
  "Email",
  "WhatsApp",
  "IG",
  "FB",
  "Custom",
  "Live_Chat",
  "TIKTOK",
  "InternalComment",
] as const;
const text = z.string({ error: ({ input }) => (input === undefined ? "is required" : "must be a text") });
const id = text.trim().min(1, "must not be empty");
const mailboxes = z.array(z.email("must be a mailbox"));
const number = z.string().regex(/^\+[1-9]\d{6,14}$/, "must be a phone number in E.164 form, such as +15005550006");

/** https://marketplace.gohighlevel.com/docs/ghl/conversations/send-a-new-message, and `locationId`, which there is the token's. */
const sendBody = z
  .strictObject({
    locationId: id.optional(),
    type: z.enum(types, `must be one of ${types.join(", ")}`),
    contactId: id,
    appointmentId: id.optional(),
    attachments: z
      .array(z.url({ protocol: /^https?$/, error: "must be a URL" }))
      .min(1, "must not be empty")
      .optional(),
    emailFrom: text.min(1, "must not be empty").optional(),
    emailTo: z.email("must be a mailbox").optional(),
    emailCc: mailboxes.optional(),
    emailBcc: mailboxes.optional(),
    emailReplyMode: z.enum(["reply", "reply_all"], "must be reply or reply_all").optional(),
    html: text.optional(),
    message: text.optional(),
    subject: text.optional(),
    replyMessageId: id.optional(),
    templateId: id.optional(),
    threadId: id.optional(),
    scheduledTimestamp: z
      .int("must be a whole number of seconds since 1970")
      .min(1_000_000_000, "must be in seconds since 1970")
      .max(9_999_999_999, "must be in seconds since 1970, not milliseconds")
      .optional(),
    conversationProviderId: id.optional(),
    fromNumber: number.optional(),
    toNumber: number.optional(),
  })
  .superRefine((body, context) => {
    if (body.attachments || body.templateId) return;
    const [field, content] = body.type === "Email" ? ["html", body.html] : ["message", body.message ?? body.html];
    if (!content)
      context.addIssue({
        code: "custom",
        path: [field as string],
        message: "is required without attachments or templateId",
      });
  });

const sendQuery = z.object({ wait: z.enum(["true", "false"], "must be true or false").default("true") });
const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
  .optional();

/**
 * `POST /v1/messages`: has HighLevel send a message, and keeps what it answers, so that the person's answers thread.
 * - 200 with `id` and HighLevel's `conversationId`, `messageId`, `emailMessageId`, `messageIds`, `msg`
 * - 202 with `id`, for `?wait=false`: queued; `GET /v1/messages/{id}` tells what became of it
 * - 400, 401, 403, 404, 422, 429 with `source: "highlevel"`: HighLevel's refusal in its own words, and its traceId
 * - 401 without `source`: no or another key; 403: one for reading, or that does not reach the location · 409 the Idempotency-Key is in use · 422 with the path of each wrong field
 * - 502 HighLevel cannot be reached, nothing was sent · 504 it may have been sent: look before you send again
 */
export function sendRoutes(context: SendContext): Router {
  const router = Router();
  router.use(authenticate(context), ...jsonBody(context, context.bodyLimitBytes.email));

  router.post("/", async (req, res) => {
    const caller = callerOf(res);
    const { locationId, ...request } = parseInput(sendBody, req.body);
    if (locationId !== undefined) requireReach(caller, locationId);
    const { wait } = parseInput(sendQuery, req.query);
    const key = parseInput(z.object({ "Idempotency-Key": idempotencyKey }), {
      "Idempotency-Key": req.get("idempotency-key"),
    });
    const isQueued = wait === "false";
    const { locationIds } = caller;
    const send = { locationId, locationIds, idempotencyKey: key["Idempotency-Key"], request, isQueued };
    const result = await requestRelay(context.delivering, send);
    caller.ids["messageId"] = result.message.id;
    if (result.outcome === "failed") throw problemOf(result);
    if (result.isRepeated) res.set("Idempotency-Replayed", "true");
    if (result.outcome === "sent") return void res.json({ id: result.message.id, ...result.message.sendAnswer });
    context.onWork("deliveries");
    res.status(202).location(`/v1/messages/${result.message.id}`).json({ id: result.message.id, state: "queued" });
  });

  router.get("/:id", async (req, res) => {
    const found = await findMessage(context.db, parseId(req.params.id, "message"), callerOf(res));
    if (found?.message.origin !== "api") throw new Problem(404, `there is no message ${req.params.id} of this route`);
    res.json(showSend(found.message));
  });
  return router;
}

function showSend({ id: ownId, state, error, sendAnswer, createdAt }: Message) {
  return { id: ownId, state, error, createdAt, ...sendAnswer };
}

/** What was refused before HighLevel was asked. */
const statusOfReason: Partial<Record<Failure["reason"], number>> = {
  unauthorized: 401,
  needs_reauthorization: 401,
  throttled: 429,
};
const passedOn = new Set([400, 401, 403, 404, 422, 429]);

function problemOf({ failure, isOutcomeUnknown, message }: Extract<RelayResult, { outcome: "failed" }>): Problem {
  const extensions = { id: message.id, source: "highlevel", ...traceOf(failure) };
  const { retryAfterSeconds } = failure;
  const headers = retryAfterSeconds === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterSeconds)) };
  if (isOutcomeUnknown) {
    const detail = `HighLevel may have sent it, its answer was lost (${failure.message}): look there before you send again`;
    return new Problem(504, detail, { extensions });
  }
  const { status = statusOfReason[failure.reason] ?? 502 } = failure;
  return new Problem(passedOn.has(status) ? status : 502, failure.message, { extensions, headers });
}

const trace = z.object({ traceId: z.string() });

/** The id under which HighLevel's support finds the call. */
function traceOf({ answer }: Failure): { traceId?: string } {
  return trace.safeParse(answer).data ?? {};
}
