import type { RequestHandler } from "express";
import { z } from "zod";
import { requireOwnLocation } from "../access.ts";
import { ApiError } from "../api-error.ts";
import { parseRequest } from "../parse-request.ts";
import type { State } from "../state.ts";
import { requireTakenUrls } from "./message-fields.ts";
import { kindOf } from "./message-types.ts";

/** `AddMessageAttachmentsDto`. HighLevel's files allow an empty list; others of its calls were seen to refuse one. */
const body = z.strictObject({ attachments: z.array(z.url()).min(1).max(5) });

/** `PUT /conversations/messages/{messageId}/attachments`: of calls alone, and in the place of what was there. */
export function setCallFiles(state: State): RequestHandler<{ id: string }> {
  return (req, res) => {
    const { attachments } = parseRequest(body, req.body);
    requireTakenUrls(state, attachments);
    const [message] = state.entries.get(req.params.id)?.messages ?? [];
    if (!message) throw new ApiError(404, "Message not found");
    requireOwnLocation(req, res, message.locationId);
    if (!["TYPE_CALL", "TYPE_CUSTOM_CALL"].includes(kindOf(state, message).messageType))
      throw new ApiError(403, "Message type does not support attachment updates");
    message.attachments = attachments;
    // Of the answer nothing is published.
    res.end();
  };
}
