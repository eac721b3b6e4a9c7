import { z } from "zod";
import type { Failure } from "../errors.ts";
import type { Wake } from "../model.ts";
import type { AttemptContext } from "../outbox/attempt-once.ts";
import { type RelayResult, requestRelay } from "../outbox/request-relay.ts";
import { findMessage } from "../store/messages/messages.ts";
import { findCarrying } from "../store/messages/relays.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Message } from "../store/schema.ts";
import { findHold } from "../store/trouble/holds.ts";
import { flag, rowIdOf } from "./admin/fields.ts";
import { queuedAnswer, sendAnswer, sentAnswer } from "./answers/send.ts";
import { requireReach } from "./caller.ts";
import { operation, reply } from "./operations/operation.ts";
import { Problem } from "./problem.ts";
import { sendBody } from "./send-body.ts";

export interface SendContext {
  db: Db;
  /** What an attempt works with: a send that is waited for is attempted at once. */
  delivering: AttemptContext;
  onWork: Wake;
}

const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters")
  .optional();

const heldDetail =
  "sends are held, by HOLD_SENDS or PUT /admin/hold: nothing was sent. DELETE /admin/hold ends it; with ?wait=false it is queued until then";

const tag = "Send";
const by = "any key";

export const sendOperations = {
  sendMessage: operation({
    ...{ method: "POST", path: "/v1/messages", tag, by },
    summary: "Has HighLevel send a message, and keeps what it answers, so that the person's answers thread.",
    description:
      "By HighLevel's own means, or through a mapping. A problem with `source` `highlevel` is its refusal in its own words, with its `traceId`.",
    query: { wait: flag.prefault("true").describe("Without waiting it is queued.") },
    headers: { "Idempotency-Key": idempotencyKey },
    body: sendBody,
    answers: { 200: sentAnswer, 202: queuedAnswer },
    errors: {
      400: "HighLevel refuses it.",
      404: "HighLevel refuses it.",
      409: "Who is to get it has opted out; or the first request with this Idempotency-Key has not ended, or nobody can say how it did.",
      429: "HighLevel's limits, or ours, are used up.",
      502: "HighLevel cannot be reached: nothing was sent.",
      503: "Sends are held, or the database is away: nothing was sent.",
      504: "HighLevel may have sent it: look there before you send again.",
    },
    async handle(context: SendContext, { caller, query: { wait }, headers, body: { locationId, ...request } }) {
      if (locationId !== undefined) requireReach(caller, locationId);
      const { locationIds } = caller;
      const key = headers["Idempotency-Key"];
      if (wait && (await findHold(context.db))) throw new Problem(503, heldDetail);
      const send = { locationId, locationIds, idempotencyKey: key, request, isQueued: !wait };
      const result = await requestRelay(context.delivering, send);
      const { id, sendAnswer: answered } = result.message;
      caller.ids["messageId"] = id;
      if (result.outcome === "failed") throw problemOf(result);
      const repeated = result.isRepeated ? { "Idempotency-Replayed": "true" } : undefined;
      if (result.outcome === "sent") return reply(200, { id, ...answered }, { ...repeated });
      context.onWork("deliveries");
      return reply(202, { id, state: "queued" }, { ...repeated, Location: `/v1/messages/${id}` });
    },
  }),

  getSend: operation({
    ...{ method: "GET", path: "/v1/messages/{id}", tag, by },
    summary: "Tells what became of a message of the send route.",
    params: { id: rowIdOf("message") },
    answers: { 200: sendAnswer },
    async handle({ db }: SendContext, { caller, params: { id } }) {
      const found = await findMessage(db, id, caller);
      if (found?.message.origin !== "api") throw new Problem(404, `there is no message ${id} of this route`);
      return reply(200, showSend(found.message, await findCarrying(db, found.message)));
    },
  }),
};

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
  // They have opted out while HighLevel was about to be asked.
  if (failure.reason === "opted_out") return new Problem(409, failure.message, { extensions: { id: message.id } });
  const { status = statusOfReason[failure.reason] ?? 502 } = failure;
  return new Problem(passedOn.has(status) ? status : 502, failure.message, { extensions, headers });
}

const trace = z.object({ traceId: z.string() });

/** The id under which HighLevel's support finds the call. */
function traceOf({ answer }: Failure): { traceId?: string } {
  return trace.safeParse(answer).data ?? {};
}
