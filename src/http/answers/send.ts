import { z } from "zod";
import { messageState, rowId, time } from "./words.ts";

/** What HighLevel answers, as far as its documents name it. */
const answered = {
  conversationId: z.string(),
  messageId: z.string(),
  emailMessageId: z.string(),
  messageIds: z.array(z.string()),
  threadId: z.string(),
  status: z.unknown(),
  msg: z.string(),
  forwardData: z.unknown(),
};

export const sentAnswer = z
  .object({ id: rowId })
  .extend(z.object(answered).partial().shape)
  .meta({ id: "Sent", description: "The bridge's id, and what HighLevel answers." });
export const queuedAnswer = z.object({ id: rowId, state: z.literal("queued") }).meta({ id: "Queued" });

const error = z.record(z.string(), z.unknown()).nullable();
const through = z.object({
  messageId: rowId,
  mappingId: z.uuid().nullable(),
  state: messageState,
  recipients: z.record(z.string(), z.unknown()).nullable(),
});
export const sendAnswer = sentAnswer
  .extend({
    state: messageState,
    error,
    createdAt: time,
    through: through.optional().describe("The message of the mapping through which HighLevel sent it."),
  })
  .meta({ id: "Send" });
