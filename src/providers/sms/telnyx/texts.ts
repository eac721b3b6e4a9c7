import { z } from "zod";
import type { DecodedWebhook } from "../../kit/decode.ts";
import { ignored, text, wishIn } from "../../kit/events.ts";
import { at, listOf, maybeNumber, maybeText, messageId, phone, requiredText, time } from "../../kit/fields.ts";
import { readRcsSentElsewhere } from "./rcs.ts";

const party = at("phone_number", phone);
const file = z
  .object({ url: requiredText, content_type: maybeText, size: maybeNumber })
  .transform(({ url, content_type: contentType, size: sizeBytes }) => ({ url, contentType, sizeBytes }));

/** An SMS or MMS, in a webhook as where it is asked for by its id: https://developers.telnyx.com/api-reference/messages/retrieve-a-message */
export const textFields = {
  ...{ id: messageId, from: party, to: z.array(party).min(1), cc: listOf(party), subject: maybeText },
  ...{ text: maybeText, media: listOf(file), received_at: time, sent_at: time },
};

const content = at("data.payload", { ...textFields, autoresponse_type: maybeText });

const none = "is none of SMS, MMS, WHATSAPP and RCS: the bridge could not answer by it";
const textType = z.object({
  data: z.object({
    payload: z.object({ type: maybeText.refine((type) => !type || /^[sm]ms$/i.test(type), none) }),
  }),
});

export const typeOf = at("data.payload.type", maybeText);

export function readText(webhook: DecodedWebhook, direction?: "outbound") {
  webhook.read(textType);
  const { media: attachments, sent_at, received_at, autoresponse_type, ...rest } = webhook.read(content);
  return text({ ...rest, attachments, sentAt: sent_at ?? received_at, direction, ...wishIn(autoresponse_type) });
}

/** By the portal, or by another tool. */
export function readSentElsewhere(webhook: DecodedWebhook) {
  const type = webhook.read(typeOf) ?? "SMS";
  if (type === "SMS" || type === "MMS") return readText(webhook, "outbound");
  if (type === "RCS") return readRcsSentElsewhere(webhook);
  return ignored(`a message of type ${type} was sent: only SMS, MMS and RCS are bridged`);
}
