import { z } from "zod";
import { at, listOf, maybeNumber, maybeText, messageId, phone, requiredText, time } from "../../kit/fields.ts";

const party = at("phone_number", phone);
const file = z
  .object({ url: requiredText, content_type: maybeText, size: maybeNumber })
  .transform(({ url, content_type: contentType, size: sizeBytes }) => ({ url, contentType, sizeBytes }));

/** An SMS or MMS, in a webhook as where it is asked for by its id: https://developers.telnyx.com/api-reference/messages/retrieve-a-message */
export const textFields = {
  ...{ id: messageId, from: party, to: z.array(party).min(1), cc: listOf(party), subject: maybeText },
  ...{ text: maybeText, media: listOf(file), received_at: time, sent_at: time },
};
