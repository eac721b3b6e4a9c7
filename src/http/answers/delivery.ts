import { z } from "zod";
import { content } from "../operations/hide-content.ts";
import { deliveryKind, deliveryState, eventType, failureReason, rowId, time } from "./words.ts";

const delivery = z.object({
  id: rowId,
  kind: deliveryKind,
  messageId: rowId.nullable().describe("Null for an event that is about none, and for a mail that is not here yet."),
  webhookId: rowId.nullable().describe("Of a `fetch-mail`: which names the mail."),
  state: deliveryState,
  reason: failureReason.nullable().describe("How the last attempt failed, or why it is dead."),
  detail: content(z.string().nullable()),
  attempts: z.int().describe("Those that counted: a paused location burns none."),
  firstAttemptedAt: time.nullable(),
  retryAt: time.nullable().describe("Not before then."),
  heldAt: time
    .nullable()
    .describe("Since when it was held back by the mapping's hours or its daily cap, the last time. It is no attempt."),
  releasedAt: time.nullable().describe("Until when; null while it is: then `detail` says until when."),
  mayHaveHappened: z.boolean().describe("An earlier attempt may have been carried out unseen."),
  createdAt: time,
  finishedAt: time.nullable(),
  interruptedAt: time
    .nullable()
    .describe("When it was found that the process which attempted it had died, or overran its lease."),
  replayedAt: time.nullable(),
  replayId: rowId.nullable().describe("Of the replay by which that was."),
  importId: rowId.nullable().describe("Of a `post-history`: of the import that owes it."),
  note: z.string().nullable().describe("Why somebody discarded it."),
  durationMs: z.int().nullable().describe("Of the attempt that delivered it."),
  status: z.int().nullable(),
  mappingId: z.uuid().nullable(),
  locationId: z.string(),
  address: content(z.string().nullable().describe("The person's; null for an event that is about none.")),
  endpointId: z.uuid().nullable().optional().describe("Of a `post-event`: which is told."),
  event: z.object({ id: z.string(), type: eventType, at: time }).optional().describe("Of a `post-event`."),
});

export const attemptAnswer = z.object({
  startedAt: time,
  durationMs: z.int(),
  outcome: z.union([z.literal("delivered"), failureReason]),
  status: z.int().nullable().describe("The HTTP status that ended it, if an answer came."),
  detail: content(z.string().nullable()),
});

export const deliveryAnswer = delivery.meta({ id: "Delivery", description: "A call that the bridge owes." });
export const triedDeliveryAnswer = delivery
  .extend({ attemptLog: z.array(attemptAnswer) })
  .meta({ id: "TriedDelivery", description: "A delivery with each of its attempts." });
