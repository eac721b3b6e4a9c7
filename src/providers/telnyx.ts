import { z } from "zod";
import { requirePhoneNumber } from "../formats/phone-number.ts";
import type { OutboundMessage } from "../model.ts";
import { answerOf } from "./kit/answers.ts";
import { credentials, secretLike, setting } from "./kit/credentials.ts";
import type { DecodedWebhook } from "./kit/decode.ts";
import { defineProvider } from "./kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "./kit/events.ts";
import { code, listOf, maybeNumber, maybeText, messageId, phone, requiredText, time } from "./kit/fields.ts";
import { decodePublicKey, ed25519KeyMessage } from "./kit/public-keys.ts";
import { inHeader, publicKeySignature } from "./kit/signatures.ts";

/** Telnyx Messaging, API v2: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks */
export const telnyx = defineProvider({
  label: "Telnyx",
  channel: "sms",
  credentials: credentials({
    always: {
      publicKey: setting("Public key", (key) => decodePublicKey("ed25519", key) !== undefined, {
        help: "In the portal under Keys & Credentials, Public Key.",
        fits: `must be the account's public key: ${ed25519KeyMessage}`,
      }),
    },
    toSend: {
      apiKey: secretLike("API key", /^[!-~]+$/, {
        help: "In the portal under Keys & Credentials, API Keys.",
        fits: "must be an API key of the account",
      }),
    },
    ifWanted: {
      messagingProfileId: setting("Messaging profile id", (id) => z.uuid().safeParse(id).success, {
        help: "Needed only where the number alone does not tell the profile.",
        fits: "must be the id of a messaging profile",
      }),
    },
  }),
  pasteAt: "the messaging profile's inbound webhook. Receipts set themselves",
  notes: ["A text that is sent from the portal, or by another tool, is recorded in HighLevel."],
  receives: {
    contentTypes: ["application/json"],
    // https://developers.telnyx.com/docs/messaging/messages/webhook-signing
    proof: publicKeySignature({
      source: inHeader("telnyx-signature-ed25519", { timestamp: "telnyx-timestamp", over: "{timestamp}|{body}" }),
      ...{ type: "ed25519", key: ({ publicKey }) => publicKey },
    }),
    read,
  },
  sends: {
    // https://developers.telnyx.com/api-reference/messages/send-a-message
    request: (message, { apiKey, messagingProfileId }) => ({
      method: "POST",
      url: "https://api.telnyx.com/v2/messages",
      headers: { authorization: `Bearer ${apiKey}` },
      body: compose(message, messagingProfileId),
    }),
    answer: answerOf({
      taken: z.object({ data: z.object({ id: messageId }) }),
      sent: ({ data }) => ({ providerMessageId: data.id }),
      // The first of its errors: https://developers.telnyx.com/development/api-fundamentals/api-errors
      refused: z.object({ errors: z.tuple([apiError()], z.unknown()) }).transform(({ errors: [first] }) => first),
    }),
    refusals: { "40300": "opted_out", "10009": "misconfigured", "10011": "throttled" },
  },
});

function apiError() {
  return z.object({ code, title: maybeText, detail: maybeText }).transform((error) => {
    return { code: error.code, message: error.detail ?? error.title ?? `Telnyx error ${error.code}` };
  });
}

/** `delivery_unconfirmed` is final: the carrier took the message, and nobody will say more. */
const words: StatusWords = {
  ...{ sent: "sent", delivery_unconfirmed: "sent", delivered: "delivered", read: "read" },
  ...{ expired: "failed", sending_failed: "failed", delivery_failed: "failed" },
};

const payloadOf = <Payload>(payload: z.ZodType<Payload>) => z.object({ data: z.object({ payload }) });
const kind = z.object({ data: z.object({ event_type: requiredText }) });
const sent = payloadOf(z.object({ type: maybeText }));
const party = z.object({ phone_number: phone }).transform(({ phone_number: number }) => number);
const file = z
  .object({ url: requiredText, content_type: maybeText, size: maybeNumber })
  .transform(({ url, content_type: contentType, size: sizeBytes }) => ({ url, contentType, sizeBytes }));
const content = payloadOf(
  z.object({
    ...{ id: messageId, from: party, to: z.array(party).min(1), cc: listOf(party), subject: maybeText },
    ...{ text: maybeText, media: listOf(file), received_at: time, sent_at: time },
  }),
);
const person = z.object({ phone_number: requiredText, status: maybeText });
const update = payloadOf(
  z.object({ id: messageId, to: z.array(person).min(1), cc: listOf(person), errors: listOf(apiError()) }),
);

/** What the bridge sends has a webhook URL with a reference. At the profile's URL come events about what others sent. */
function read(webhook: DecodedWebhook) {
  const { event_type: event } = webhook.read(kind).data;
  if (event === "message.received") return readText(webhook);
  if (event === "message.sent" && webhook.reference === undefined) return readSentElsewhere(webhook);
  if (event === "message.sent" || event === "message.finalized") return readReceipts(webhook);
  return ignored(`event ${event}: says nothing that is bridged`);
}

function readText(webhook: DecodedWebhook, direction?: "outbound") {
  const { media: attachments, sent_at, received_at, ...rest } = webhook.read(content).data.payload;
  return text({ ...rest, attachments, sentAt: sent_at ?? received_at, direction });
}

function readSentElsewhere(webhook: DecodedWebhook) {
  const { type = "SMS" } = webhook.read(sent).data.payload;
  if (type === "SMS" || type === "MMS") return readText(webhook, "outbound");
  return ignored(`a message of type ${type} was sent: only SMS and MMS are bridged`);
}

/** One for each person of a group, of whom each is reached or not. */
function readReceipts(webhook: DecodedWebhook) {
  const { id, to, cc, errors } = webhook.read(update).data.payload;
  return [...to, ...cc].map(({ phone_number: number, status: word = "missing" }, _, { length }) =>
    receipt(word, words, () => {
      const recipient = length > 1 ? requirePhoneNumber(number, "data.payload.to") : undefined;
      const error = errors[0] ?? { code: word, message: `Telnyx says ${word}` };
      return { id, reference: webhook.reference, recipient, ...error };
    }),
  );
}

function compose({ from, to, text: body, attachments, receiptUrl }: OutboundMessage, profile: string | undefined) {
  const media = attachments.length > 0 ? { type: "MMS", media_urls: attachments.map(({ url }) => url) } : {};
  const message = { from, to, text: body || undefined, ...media, messaging_profile_id: profile };
  // Else a receipt that failed at our URL would be repeated at the profile's, where it has no reference.
  return { ...message, webhook_url: receiptUrl, use_profile_webhooks: false };
}
