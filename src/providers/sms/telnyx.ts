import { z } from "zod";
import { requirePhoneNumber } from "../../formats/phone-number.ts";
import type { OutboundMessage } from "../../model.ts";
import { telnyxChecks } from "../checks/telnyx.ts";
import { telnyxHistory } from "../histories/telnyx.ts";
import { credentials, printable, secret, setting, uuid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text, wishIn } from "../kit/events.ts";
import { at, code, listOf, maybeText, messageId, requiredText } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";
import { ed25519Key } from "../kit/public-keys.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";
import { inHeader, publicKeySignature } from "../kit/signatures.ts";
import { callEvents, linkIn, recordings } from "./telnyx/calls.ts";
import { composeRcs, isByRcs, readRcs, readRcsSentElsewhere } from "./telnyx/rcs.ts";
import { textFields } from "./telnyx/text.ts";
import { composeWhatsapp, isByWhatsapp, readWhatsapp } from "./telnyx/whatsapp.ts";

/**
 * Telnyx Messaging, API v2: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks
 * Longer than others by what is sent elsewhere, and by the receipts of groups.
 */
export const telnyx = defineProvider({
  label: "Telnyx",
  channel: "sms",
  credentials: credentials({
    always: { publicKey: setting("Public key", "In the portal under Keys & Credentials, Public Key.", ed25519Key) },
    toSend: { apiKey: secret("API key", "In the portal under Keys & Credentials, API Keys.", printable) },
    ifWanted: {
      messagingProfileId: setting("Messaging profile id", "Where the number alone does not tell the profile.", uuid),
    },
  }),
  pasteAt: "the messaging profile's inbound webhook. Receipts set themselves",
  notes: [
    "Who writes by WhatsApp or RCS is answered by it, and by SMS again once they write a text.",
    "An RCS agent is mapped by its id, such as `e4448a5c0670c2a9`, and gets the same URL as its webhook URL. It answers who has written to it, for which the credentials need `messagingProfileId`; a file that is sent with words goes as a link.",
    "A text that is sent from the portal, or by another tool, is recorded in HighLevel.",
    "What it keeps of a number's SMS and MMS of the last ten days can be [imported](../imports.md#a-providers-history).",
    "For its calls, give the Voice API application the same URL, and the mapping a `callProviderId`. Recordings and transcripts are added to them when they are there.",
  ],
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
    request: (message, { apiKey, messagingProfileId: profile }) => {
      if (isByRcs(message)) return post(`${messages}/rcs`, bearer(apiKey), composeRcs(message, profile));
      if (isByWhatsapp(message)) return post(`${messages}/whatsapp`, bearer(apiKey), composeWhatsapp(message, profile));
      return post(messages, bearer(apiKey), compose(message, profile));
    },
    // https://developers.telnyx.com/development/api-fundamentals/api-errors
    answer: answerOf({ ...idAt("data.id"), refused: at("errors.0", apiError()) }),
    refusals: { "40300": "opted_out", "10009": "misconfigured", "10011": "throttled" },
    services: ["whatsapp", "rcs"],
  },
  media: {
    hosts: ["api.telnyx.com"],
    path: () => `${recordings}{id}`,
    // Of its own buckets, and of those that a customer has chosen: https://developers.telnyx.com/docs/voice/programmable-voice/storing-call-recordings
    located: { at: linkIn, hosts: ["s3.amazonaws.com", ".amazonaws.com", "storage.googleapis.com"] },
    headers: ({ apiKey }) => bearer(apiKey),
  },
  checks: telnyxChecks,
  history: telnyxHistory,
});

const messages = "https://api.telnyx.com/v2/messages";

function apiError() {
  return z.object({ code, title: maybeText, detail: maybeText }).transform(({ title, detail, ...error }) => {
    return { ...error, message: detail ?? title ?? `Telnyx error ${error.code}` };
  });
}

/** `delivery_unconfirmed` is final: the carrier took the message, and nobody will say more. */
const words: StatusWords = {
  ...{ sent: "sent", delivery_unconfirmed: "sent", delivered: "delivered", read: "read" },
  ...{ expired: "failed", sending_failed: "failed", delivery_failed: "failed" },
};

const kind = at("data.event_type", requiredText);
const typeOf = at("data.payload.type", maybeText);
const content = at("data.payload", { ...textFields, autoresponse_type: maybeText });
const person = z.object({ phone_number: requiredText, status: maybeText });
/** Of WhatsApp's the number alone may stand there, and the status beside it. */
const update = at("data.payload", {
  ...{ id: messageId, to: z.union([z.array(person).min(1), requiredText]), cc: listOf(person), status: maybeText },
  errors: listOf(apiError()),
});

/** What the bridge sends has a webhook URL with a reference. At the profile's URL come events about what others sent. */
function read(webhook: DecodedWebhook) {
  const event = webhook.read(kind);
  if (Object.hasOwn(callEvents, event)) return callEvents[event]?.(webhook) ?? [];
  if (event === "message.received" && /^whatsapp$/i.test(webhook.read(typeOf) ?? "")) return readWhatsapp(webhook);
  if (event === "message.received" && /^rcs$/i.test(webhook.read(typeOf) ?? "")) return readRcs(webhook);
  if (event === "message.received") return readText(webhook);
  if (event === "message.sent" && webhook.reference === undefined) return readSentElsewhere(webhook);
  if (["message.sent", "message.finalized", "message.read"].includes(event)) return readReceipts(webhook);
  return ignored(`event ${event}: says nothing that is bridged`);
}

const textType = z.object({
  data: z.object({
    payload: z.object({
      type: maybeText.refine(
        (type) => !type || /^[sm]ms$/i.test(type),
        "is none of SMS, MMS, WHATSAPP and RCS: the bridge could not answer by it",
      ),
    }),
  }),
});

function readText(webhook: DecodedWebhook, direction?: "outbound") {
  webhook.read(textType);
  const { media: attachments, sent_at, received_at, autoresponse_type, ...rest } = webhook.read(content);
  return text({ ...rest, attachments, sentAt: sent_at ?? received_at, direction, ...wishIn(autoresponse_type) });
}

function readSentElsewhere(webhook: DecodedWebhook) {
  const type = webhook.read(typeOf) ?? "SMS";
  if (type === "SMS" || type === "MMS") return readText(webhook, "outbound");
  if (type === "RCS") return readRcsSentElsewhere(webhook);
  return ignored(`a message of type ${type} was sent: only SMS, MMS and RCS are bridged`);
}

/** One for each person of a group, of whom each is reached or not. */
function readReceipts(webhook: DecodedWebhook) {
  const { id, to, cc, errors, status } = webhook.read(update);
  const people = typeof to === "string" ? [{ phone_number: to, status }] : to;
  return [...people, ...cc].map(({ phone_number: number, status: word = "missing" }, _, { length }) =>
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
