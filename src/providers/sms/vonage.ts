import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { vonageChecks } from "../checks/vonage/vonage.ts";
import { credentials, printable, secret, setting, shape, uuid } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { receipt, type StatusWords, text } from "../kit/events.ts";
import { listOf, maybeText, messageId, perNumber, phoneWithoutPlus, requiredText, time } from "../kit/fields.ts";
import { jwt } from "../kit/jwt.ts";
import { rsaPrivateKey } from "../kit/public-keys.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post, withoutPlus } from "../kit/sends.ts";
import { bearerOf } from "./vonage/call.ts";

const apiKey = shape(/^\w+$/, "must be letters and digits");

/**
 * Vonage's Messages API, for SMS and MMS: https://developer.vonage.com/en/messages/overview
 * Longer than others by its files, of which each kind stands in a field of its own.
 */
export const vonage = defineProvider({
  label: "Vonage",
  channel: "sms",
  credentials: credentials({
    always: {
      signatureSecret: secret(
        "Signature secret",
        "In the dashboard under API settings. Vonage signs its webhooks with it.",
      ),
    },
    toSend: {
      applicationId: setting("Application ID", "On the application's page, to which the number is linked.", uuid),
      privateKey: secret("Private key", "The file that the application's page gave, whole.", rsaPrivateKey),
    },
    ifWanted: {
      apiKey: setting("API key", "On the dashboard's first page. For checks alone.", apiKey),
      apiSecret: secret("API secret", "Beside the API key. For checks alone.", printable),
    },
  }),
  pasteAt:
    "the application's inbound URL and status URL, under its Messages capability, version 1 of the API. Link the number to the application, and set the account's default SMS setting to Messages API",
  notes: [
    "Vonage tries for 24 hours after a 429 or 5xx, and never again after another refusal.",
    "MMS goes to and comes from numbers of the USA and Canada. What a person sends is at Vonage for 48 hours; leave _Enhanced inbound media security_ off, or it does not open.",
    "WhatsApp, Viber, RCS and Messenger at the same URL are not taken: the bridge could not answer by them.",
  ],
  receives: {
    contentTypes: ["application/json"],
    // https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks
    proof: jwt({
      ...{ header: "authorization", prefix: "Bearer ", payloadHash: "payload_hash" },
      key: ({ signatureSecret }) => signatureSecret,
    }),
    isReferenceSigned: true,
    sample: ({ id, from, to, text: words, at: timestamp }) =>
      jsonSample({ channel: "sms", message_uuid: id, message_type: "text", from, to, text: words, timestamp }),
    read,
  },
  sends: {
    // https://developer.vonage.com/en/api/messages
    request: (message, application) =>
      post("https://api.nexmo.com/v1/messages", bearerOf(application, message.reference), compose(message)),
    answer: answerOf({ ...idAt("message_uuid"), refused: problem() }),
    // https://developer.vonage.com/en/api-errors/messages
    refusals: {
      ...{ "1000": "throttled", "1060": "misconfigured", "1070": "misconfigured", "1080": "misconfigured" },
      ...{
        "1140": "misconfigured",
        "low-balance": "misconfigured",
        unprovisioned: "misconfigured",
        "1240": "opted_out",
      },
    },
  },
  checks: vonageChecks,
});

/** RFC 7807; the code follows the # in its type, or is the title. https://developer.vonage.com/en/api-errors */
function problem() {
  return z.object({ type: maybeText, title: requiredText, detail: maybeText }).transform(({ type, title, detail }) => {
    return { code: /#([\w-]+)$/.exec(type ?? "")?.[1] ?? title, message: detail ?? title };
  });
}

/** https://developer.vonage.com/en/messages/concepts/custom-webhooks */
const words: StatusWords = {
  ...{ submitted: "sent", delivered: "delivered", read: "read" },
  ...{ rejected: "failed", undeliverable: "failed" },
};

const kind = z.object({
  status: maybeText,
  channel: requiredText.refine(
    (channel) => /^[sm]ms$/i.test(channel),
    "is neither sms nor mms: the bridge could not answer by it",
  ),
});
const update = z.object({ message_uuid: messageId, client_ref: maybeText, error: problem().nullish() });

/** A status has the reference that went along. */
function read(webhook: DecodedWebhook, ownNumber?: string) {
  const { status } = webhook.read(kind);
  if (status === undefined) return readText(webhook, ownNumber);
  return receipt(status, words, () => {
    const { message_uuid: id, client_ref: reference, error } = webhook.read(update);
    return { id, reference, ...error };
  });
}

const fileKinds = ["image", "audio", "video", "file", "vcard"] as const;
type FileKind = (typeof fileKinds)[number];
const part = z.object({ url: maybeText, name: maybeText, caption: maybeText, text: maybeText });
const file = part.refine(({ url }) => url !== undefined, "has no url").nullish();
const files = { image: file, audio: file, video: file, file, vcard: file };

const incomingTo = perNumber((ownNumber) => {
  const party = phoneWithoutPlus(ownNumber);
  const head = { message_uuid: messageId, from: party, to: party, timestamp: time, message_type: maybeText };
  return z.object({ ...head, ...files, text: maybeText, content: listOf(part) });
});

/** A file stands in a field of its kind, several in `content`. */
function readText(webhook: DecodedWebhook, ownNumber: string | undefined) {
  const { message_uuid: id, from, to, timestamp, message_type: type, ...said } = webhook.read(incomingTo(ownNumber));
  const parts = [...fileKinds.flatMap((each) => said[each] ?? []), ...said.content];
  const attachments = parts.flatMap(({ url, name }) => (url ? [{ url, name }] : []));
  const lines = [said.text, ...parts.flatMap((each) => [each.text, each.caption])].filter(Boolean).join("\n");
  const isRead = type === undefined || type === "text" || attachments.length > 0;
  const nothing = isRead ? undefined : `[A message of type ${type}, which is not read]`;
  return text({ id, from, to: [to], sentAt: timestamp, text: lines || nothing, attachments });
}

function compose({ from, to, text: body, attachments, reference, receiptUrl }: OutboundMessage) {
  // Without the plus: https://developer.vonage.com/en/voice/voice-api/concepts/numbers
  const parties = { to: withoutPlus(to), from: withoutPlus(from) };
  const common = { ...parties, client_ref: reference, webhook_url: receiptUrl };
  if (attachments.length === 0) return { channel: "sms", message_type: "text", ...common, text: body };
  const content = attachments.map(({ url, contentType }, index) => {
    return { type: kindOf(contentType), url, caption: index === 0 && body ? body : undefined };
  });
  return { channel: "mms", message_type: "content", ...common, content };
}

function kindOf(contentType: string): FileKind {
  if (/^text\/(x-)?vcard/i.test(contentType)) return "vcard";
  return fileKinds.find((each) => contentType.toLowerCase().startsWith(`${each}/`)) ?? "file";
}
