import { verify as verifySignature } from "node:crypto";
import { z } from "zod";
import type { CallApi } from "../calls/call-api.ts";
import { Failure } from "../errors.ts";
import { messageId, parseJson, parseTime } from "../formats/parse-body.ts";
import { maybeText, requiredText } from "../formats/parse-value.ts";
import { requirePhoneNumber } from "../formats/phone-number.ts";
import type {
  MessageError,
  OutboundMessage,
  ProviderEvent,
  ProviderMessage,
  ReceiptStatus,
  SentMessage,
  WebhookRequest,
} from "../model.ts";
import type { AdapterSpec } from "./kit/adapter.ts";
import { decodeEd25519Key, ed25519KeyMessage } from "./kit/ed25519.ts";
import { isFresh } from "./kit/freshness.ts";
import { referenceOf } from "./kit/reference.ts";
import { requireCredential } from "./kit/require-credential.ts";

const credentials = z.strictObject({
  publicKey: z
    .string()
    .trim()
    .refine((key) => decodeEd25519Key(key) !== undefined, `must be the account's public key: ${ed25519KeyMessage}`),
  /** To send with. */
  apiKey: z
    .string()
    .trim()
    .regex(/^[!-~]+$/, "must be an API key of the account")
    .optional(),
  /** Telnyx needs it only where the number alone does not tell it. */
  messagingProfileId: z.uuid("must be the id of a messaging profile").optional(),
});
type Credentials = z.infer<typeof credentials>;

/** Telnyx Messaging, API v2: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks */
export const telnyx: AdapterSpec<Credentials> = {
  channel: "sms",
  contentTypes: ["application/json"],
  credentials,
  verify: (request, { publicKey }) => verify(request, publicKey),
  parse,
  send,
  readError,
};

/** Ed25519 over the timestamp, a bar and the body: https://developers.telnyx.com/docs/messaging/messages/webhook-signing */
function verify(request: WebhookRequest, publicKey: string): boolean {
  const timestamp = request.headers["telnyx-timestamp"];
  const signature = Buffer.from(request.headers["telnyx-signature-ed25519"] ?? "", "base64");
  const key = decodeEd25519Key(publicKey);
  if (!key || signature.length !== 64 || !isFresh(timestamp, request.receivedAt)) return false;
  return verifySignature(null, Buffer.concat([Buffer.from(`${timestamp}|`), request.body]), key, signature);
}

const party = z.object({ phone_number: requiredText });
const envelope = z.object({ data: z.object({ event_type: requiredText }) });
const content = z.object({
  id: messageId,
  from: party,
  to: z.array(party).min(1),
  cc: z.array(party).nullish(),
  text: maybeText,
  subject: maybeText,
  media: z.array(z.object({ url: requiredText, content_type: maybeText, size: z.number().nullish() })).nullish(),
  received_at: maybeText,
  sent_at: maybeText,
});

function parse(request: WebhookRequest): ProviderEvent[] {
  const { event_type: eventType } = parseJson(envelope, request.body).data;
  const read = <Payload>(payload: z.ZodType<Payload>): Payload =>
    parseJson(z.object({ data: z.object({ payload }) }), request.body).data.payload;
  const reference = referenceOf(request.url);
  if (eventType === "message.received") return [toMessage(read(content))];
  if (eventType === "message.sent" && reference === undefined) return sentElsewhere(read);
  if (eventType === "message.sent" || eventType === "message.finalized") return toReceipts(read(progress), reference);
  return [{ kind: "ignored", reason: `event ${eventType}: says nothing that is bridged` }];
}

function toMessage(payload: z.infer<typeof content>): ProviderMessage {
  const numbers = (parties: z.infer<typeof party>[], field: string) =>
    parties.map((each) => requirePhoneNumber(each.phone_number, `data.payload.${field}`));
  return {
    kind: "message",
    providerMessageId: payload.id,
    from: requirePhoneNumber(payload.from.phone_number, "data.payload.from.phone_number"),
    to: numbers(payload.to, "to"),
    cc: numbers(payload.cc ?? [], "cc"),
    bcc: [],
    subject: payload.subject,
    text: payload.text,
    attachments: (payload.media ?? []).map(({ url, content_type: contentType, size }) => ({
      url,
      contentType,
      sizeBytes: size ?? undefined,
    })),
    sentAt: parseTime(payload.sent_at) ?? parseTime(payload.received_at),
    inReplyTo: [],
    references: [],
  };
}

/**
 * What the bridge sends has a webhook URL of its own, with a reference. An event at the messaging profile's URL is about
 * what the business sent from the portal or by another tool.
 */
function sentElsewhere(read: <Payload>(payload: z.ZodType<Payload>) => Payload): ProviderEvent[] {
  const { type } = read(z.object({ type: maybeText }));
  if (type !== undefined && type !== "SMS" && type !== "MMS") {
    return [{ kind: "ignored", reason: `a message of type ${type} was sent: only SMS and MMS are bridged` }];
  }
  return [{ ...toMessage(read(content)), direction: "outbound" }];
}

/** `delivery_unconfirmed` is final: the carrier took the message, and nobody will say more. */
const statuses = new Map<string, ReceiptStatus>([
  ["sent", "sent"],
  ["delivery_unconfirmed", "sent"],
  ["delivered", "delivered"],
  ["read", "read"],
  ["expired", "failed"],
  ["sending_failed", "failed"],
  ["delivery_failed", "failed"],
]);

const apiError = z
  .object({ code: z.union([requiredText, z.number().transform(String)]), title: maybeText, detail: maybeText })
  .transform(({ code, title, detail }) => ({ code, message: detail ?? title ?? `Telnyx error ${code}` }));

const recipients = z.array(z.object({ phone_number: requiredText, status: maybeText }));
const progress = z.object({
  id: messageId,
  to: recipients.min(1),
  cc: recipients.nullish(),
  errors: z.array(apiError).nullish(),
});

/** One for each person of a group, of whom each is reached or not. */
function toReceipts(payload: z.infer<typeof progress>, reference: string | undefined): ProviderEvent[] {
  const people = [...payload.to, ...(payload.cc ?? [])];
  return people.map(({ phone_number: number, status: word = "missing" }) => {
    const status = statuses.get(word);
    if (!status) return { kind: "ignored", reason: `status ${word}: says nothing that is passed on` };
    const error = payload.errors?.[0] ?? { code: word, message: `Telnyx says ${word}` };
    return {
      kind: "receipt",
      reference,
      providerMessageId: payload.id,
      status,
      recipient: people.length > 1 ? requirePhoneNumber(number, "data.payload.to") : undefined,
      error: status === "failed" ? error : undefined,
    };
  });
}

const created = z.object({ data: z.object({ id: messageId }) });

/** Sends a message: https://developers.telnyx.com/api-reference/messages/send-a-message */
async function send(message: OutboundMessage, given: Credentials, callApi: CallApi): Promise<SentMessage> {
  const mediaUrls = message.attachments.map(({ url }) => url);
  const { body } = await callApi({
    method: "POST",
    url: "https://api.telnyx.com/v2/messages",
    headers: { authorization: `Bearer ${requireCredential(given.apiKey, "apiKey")}` },
    body: {
      from: message.from,
      to: message.to,
      ...(message.text ? { text: message.text } : {}),
      ...(mediaUrls.length > 0 ? { type: "MMS", media_urls: mediaUrls } : {}),
      ...(given.messagingProfileId ? { messaging_profile_id: given.messagingProfileId } : {}),
      webhook_url: message.receiptUrl,
      // Else a receipt that failed at our URL would be repeated at the profile's, where it has no reference.
      use_profile_webhooks: false,
    },
  });
  const answer = created.safeParse(body);
  if (!answer.success) throw new Failure("invalid_answer", "Telnyx took the message and gave no id for it");
  return { providerMessageId: answer.data.data.id };
}

const refusal = z.object({ errors: z.tuple([apiError], z.unknown()) });

/** The first of its errors: https://developers.telnyx.com/development/api-fundamentals/api-errors */
function readError(answer: unknown): MessageError | undefined {
  return refusal.safeParse(answer).data?.errors[0];
}
