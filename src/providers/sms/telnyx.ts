import type { OutboundMessage } from "../../model.ts";
import { telnyxChecks } from "../checks/telnyx.ts";
import { telnyxHistory } from "../histories/telnyx.ts";
import { credentials, printable, secret, setting, uuid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored } from "../kit/events.ts";
import { at, requiredText } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";
import { ed25519Key } from "../kit/public-keys.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";
import { inHeader, publicKeySignature } from "../kit/signatures.ts";
import { callEvents, linkIn, recordings } from "./telnyx/calls.ts";
import { composeRcs, isByRcs, readRcs } from "./telnyx/rcs.ts";
import { apiError, readReceipts } from "./telnyx/receipts.ts";
import { readSentElsewhere, readText, typeOf } from "./telnyx/texts.ts";
import { composeWhatsapp, isByWhatsapp, readWhatsapp } from "./telnyx/whatsapp.ts";

/** Telnyx Messaging, API v2: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks */
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
    answer: answerOf({ ...idAt("data.id"), refused: at("errors.0", apiError) }),
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

const kind = at("data.event_type", requiredText);

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

function compose({ from, to, text: body, attachments, receiptUrl }: OutboundMessage, profile: string | undefined) {
  const media = attachments.length > 0 ? { type: "MMS", media_urls: attachments.map(({ url }) => url) } : {};
  const message = { from, to, text: body || undefined, ...media, messaging_profile_id: profile };
  // Else a receipt that failed at our URL would be repeated at the profile's, where it has no reference.
  return { ...message, webhook_url: receiptUrl, use_profile_webhooks: false };
}
