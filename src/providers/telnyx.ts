import { verify as verifySignature } from "node:crypto";
import { z } from "zod";
import type { ProviderEvent, WebhookRequest } from "../model.ts";
import type { AdapterSpec } from "./adapter.ts";
import { decodeEd25519Key, ed25519KeyMessage } from "./ed25519.ts";
import { maybeText, messageId, parseJson, parseTime, requiredText } from "./parse-body.ts";
import { requirePhoneNumber } from "./phone-number.ts";
import { isFresh } from "./signature.ts";

const credentials = z.strictObject({
  publicKey: z
    .string()
    .trim()
    .refine((key) => decodeEd25519Key(key) !== undefined, `must be the account's public key: ${ed25519KeyMessage}`),
});

/** Telnyx Messaging, API v2: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks */
export const telnyx: AdapterSpec<z.infer<typeof credentials>> = {
  channel: "sms",
  contentTypes: ["application/json"],
  credentials,
  verify: (request, { publicKey }) => verify(request, publicKey),
  parse,
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
const received = z.object({
  data: z.object({
    payload: z.object({
      id: messageId,
      from: party,
      to: z.array(party).min(1),
      cc: z.array(party).nullish(),
      text: maybeText,
      subject: maybeText,
      media: z.array(z.object({ url: requiredText, content_type: maybeText, size: z.number().nullish() })).nullish(),
      received_at: maybeText,
    }),
  }),
});

function parse(request: WebhookRequest): ProviderEvent[] {
  const { event_type: eventType } = parseJson(envelope, request.body).data;
  if (eventType !== "message.received") {
    return [{ kind: "ignored", reason: `event ${eventType}: only message.received is bridged` }];
  }
  const { payload } = parseJson(received, request.body).data;
  const numbers = (parties: z.infer<typeof party>[], field: string) =>
    parties.map((each) => requirePhoneNumber(each.phone_number, `data.payload.${field}`));
  return [
    {
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
      sentAt: parseTime(payload.received_at),
      inReplyTo: [],
      references: [],
    },
  ];
}
