import { Router } from "express";
import { z } from "zod";
import type { Failure } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Wake } from "../model.ts";
import type { AttemptContext } from "../outbox/attempt-once.ts";
import { type RelayResult, requestRelay } from "../outbox/request-relay.ts";
import { findMessage } from "../store/messages/messages.ts";
import { findCarrying } from "../store/messages/relays.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Message } from "../store/schema.ts";
import { findHold } from "../store/trouble/holds.ts";
import type { BodyMemory } from "./body-memory.ts";
import { authenticateByPath, callerOf, refuseQuery, requireReach, type Write } from "./caller.ts";
import { jsonBody } from "./operations/json-body.ts";
import { Problem, parseId, parseInput, parseQuery } from "./problem.ts";
import { sendBody } from "./send-body.ts";

export interface SendContext {
  db: Db;
  log: Log;
  /** What an attempt works with: a send that is waited for is attempted at once. */
  delivering: AttemptContext;
  adminApiKeys: string[];
  bodyLimitBytes: { email: number };
  bodyMemory: BodyMemory;
  onWork: Wake;
}

const sendQuery = z.object({ wait: z.enum(["true", "false"], "must be true or false").default("true") });
const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
  .optional();

const heldDetail =
  "sends are held, by HOLD_SENDS or PUT /admin/hold: nothing was sent. DELETE /admin/hold ends it; with ?wait=false it is queued until then";

/**
 * `POST /v1/messages`: has HighLevel send a message, and keeps what it answers, so that the person's answers thread.
 * - 200 with `id`, and of what HighLevel answers all that its documents name
 * - 202 with `id`, for `?wait=false`: queued; `GET /v1/messages/{id}` tells what became of it, and of what went through a
 *   mapping what became of that
 * - 400, 401, 403, 404, 422, 429 with `source: "highlevel"`: HighLevel's refusal in its own words, and its traceId
 * - 401 without `source`: no or another key; 403: one for reading, or that does not reach the location · 409 the Idempotency-Key is in use · 422 with the path of each wrong field
 * - 503 sends are held: nothing was sent
 * - 502 HighLevel cannot be reached, nothing was sent · 504 it may have been sent: look before you send again
 */
export function sendRoutes(context: SendContext): Router {
  const router = Router();
  const noteWrite = (write: Write) => context.log("info", "admin.wrote", { ...write });
  router.use(authenticateByPath(context, noteWrite), refuseQuery, ...jsonBody(context, context.bodyLimitBytes.email));

  router.post("/", async (req, res) => {
    const caller = callerOf(res);
    const { locationId, ...request } = parseInput(sendBody, req.body);
    if (locationId !== undefined) requireReach(caller, locationId);
    const { wait } = parseQuery(sendQuery, req.query);
    const key = parseInput(z.object({ "Idempotency-Key": idempotencyKey }), {
      "Idempotency-Key": req.get("idempotency-key"),
    });
    const isQueued = wait === "false";
    const { locationIds } = caller;
    const send = { locationId, locationIds, idempotencyKey: key["Idempotency-Key"], request, isQueued };
    if (!isQueued && (await findHold(context.db))) throw new Problem(503, heldDetail);
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
    res.json(showSend(found.message, await findCarrying(context.db, found.message)));
  });
  return router;
}

/** What went through a mapping of ours has that one's fate: HighLevel had taken it before anybody sent it. */
function showSend({ id: ownId, state, error, sendAnswer, createdAt }: Message, carrying: Message | undefined) {
  const sent = { id: ownId, state, error, createdAt, ...sendAnswer };
  if (!carrying) return sent;
  const { id: messageId, mappingId, recipients } = carrying;
  const fate = carrying.state === "queued" ? {} : { state: carrying.state, error: carrying.error };
  return { ...sent, ...fate, through: { messageId, mappingId, state: carrying.state, recipients } };
}

/** What was refused before HighLevel was asked. */
const statusOfReason: Partial<Record<Failure["reason"], number>> = {
  unauthorized: 401,
  needs_reauthorization: 401,
  throttled: 429,
  own_limit: 429,
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
