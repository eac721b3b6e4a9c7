import { createHmac, verify as verifyEd25519 } from "node:crypto";
import { z } from "zod";
import type { ProviderMessage, ProviderEvent, WebhookRequest } from "../model.ts";
import type { AdapterSpec } from "./adapter.ts";
import { decodeEd25519Key, ed25519KeyMessage } from "./ed25519.ts";
import { parseMessageIds, readMailHeaders } from "./mail-headers.ts";
import { addressesOf, requireMailbox } from "./mailbox.ts";
import { parseMime } from "./mime.ts";
import { maybeText, messageId, parseJson, parseTime, requiredText, text } from "./parse-body.ts";
import { requirePhoneNumber } from "./phone-number.ts";
import { isFresh, isSame } from "./signature.ts";

const credentials = z.strictObject({
  secret: z
    .string()
    .trim()
    .refine(
      (secret) => decodeSecret(secret) !== undefined || decodePublicKey(secret) !== undefined,
      `must be whsec_ and 24 to 64 random bytes in base64, or for Ed25519 whpk_ and ${ed25519KeyMessage}`,
    ),
});
type Credentials = z.infer<typeof credentials>;

/**
 * Any sender that signs by Standard Webhooks (https://www.standardwebhooks.com). It posts JSON:
 *
 *     { "type": "message.received",
 *       "data": { "id": "m-1", "from": "+15005550006", "to": "+15005550009", "text": "Hello",
 *                 "sentAt": "2026-01-31T09:30:00Z",
 *                 "attachments": [{ "url": "https://example.com/cat.jpg", "contentType": "image/jpeg" }] } }
 *
 * `id` (the sender's own, the same when the message is sent again), `from` and `to` must be there; `to` may be a list.
 */
export const genericSms: AdapterSpec<Credentials> = {
  channel: "sms",
  contentTypes: ["application/json"],
  credentials,
  verify: (request, { secret }) => verify(request, secret),
  parse: (request) => parse(request, sms, toText),
};

/**
 * The same for email. `data` holds `id`, and the email in one of two forms: as a whole in `mime` (RFC 5322; in base64 as
 * `mimeBase64`), as a mail server has it, or in fields: `from`, `to`, `cc`, `bcc`, `subject`, `text`, `html`, `sentAt`,
 * `attachments`, and for threads `messageId`, `inReplyTo`, `references` as in its headers. `autoSubmitted`, as in the
 * header, marks what a machine wrote.
 */
export const genericEmail: AdapterSpec<Credentials> = {
  ...genericSms,
  channel: "email",
  parse: (request) => parse(request, email, toEmail),
};

/**
 * HMAC-SHA256 (`v1`) or Ed25519 (`v1a`) over id, timestamp and body, any of several signatures:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
function verify({ headers, body, receivedAt }: WebhookRequest, secret: string): boolean {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!id || !isFresh(timestamp, receivedAt)) return false;
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const given = (headers["webhook-signature"] ?? "").split(" ");

  const hmacKey = decodeSecret(secret);
  if (hmacKey) {
    const expected = `v1,${createHmac("sha256", hmacKey).update(signed).digest("base64")}`;
    return given.some((signature) => isSame(signature, expected));
  }
  const publicKey = decodePublicKey(secret);
  if (!publicKey) return false;
  return given
    .filter((signature) => signature.startsWith("v1a,"))
    .map((signature) => Buffer.from(signature.slice(4), "base64"))
    .some((signature) => signature.length === 64 && verifyEd25519(null, signed, publicKey, signature));
}

function decodeSecret(secret: string): Buffer | undefined {
  const bytes = /^whsec_[A-Za-z0-9+/]+=*$/.test(secret) ? Buffer.from(secret.slice(6), "base64") : undefined;
  return bytes && bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}

function decodePublicKey(secret: string) {
  return secret.startsWith("whpk_") ? decodeEd25519Key(secret.slice(5)) : undefined;
}

const envelope = z.object({ type: requiredText });

async function parse<Data>(
  request: WebhookRequest,
  data: z.ZodType<Data>,
  toMessage: (data: Data) => ProviderMessage | Promise<ProviderMessage>,
): Promise<ProviderEvent[]> {
  const { type } = parseJson(envelope, request.body);
  if (type !== "message.received")
    return [{ kind: "ignored", reason: `event ${type}: only message.received is bridged` }];
  return [await toMessage(parseJson(z.object({ data }), request.body).data)];
}

const oneOrMore = z.union([z.array(text), text.transform((value) => [value])]);
const attachments = z
  .array(
    z.object({
      url: z.url({ protocol: /^https?$/ }),
      name: maybeText,
      contentType: maybeText,
      sizeBytes: z.number().int().min(0).nullish(),
    }),
  )
  .nullish()
  .transform((list) => (list ?? []).map((each) => ({ ...each, sizeBytes: each.sizeBytes ?? undefined })));

const sms = z.object({
  id: messageId,
  from: requiredText,
  to: oneOrMore,
  text: maybeText,
  sentAt: maybeText,
  attachments,
});

function toText({ id, from, to, sentAt, ...rest }: z.infer<typeof sms>): ProviderMessage {
  return {
    kind: "message",
    providerMessageId: id,
    from: requirePhoneNumber(from, "data.from"),
    to: to.map((number) => requirePhoneNumber(number, "data.to")),
    cc: [],
    bcc: [],
    ...rest,
    sentAt: parseTime(sentAt),
    inReplyTo: [],
    references: [],
  };
}

const email = z.object({
  id: messageId,
  mime: z.string().min(1).nullish(),
  mimeBase64: z.base64().nullish(),
  from: maybeText,
  to: oneOrMore.nullish(),
  cc: oneOrMore.nullish(),
  bcc: oneOrMore.nullish(),
  subject: maybeText,
  text: maybeText,
  html: maybeText,
  messageId: maybeText,
  inReplyTo: oneOrMore.nullish(),
  references: oneOrMore.nullish(),
  autoSubmitted: maybeText,
  sentAt: maybeText,
  attachments,
});

async function toEmail(data: z.infer<typeof email>): Promise<ProviderMessage> {
  const raw = data.mimeBase64 ? Buffer.from(data.mimeBase64, "base64") : data.mime;
  if (raw) return { kind: "message", providerMessageId: data.id, ...(await parseMime(raw)) };

  const from = requireMailbox(data.from, "data.from");
  const { subject, text: plain, html } = data;
  const autoSubmitted = data.autoSubmitted ? [{ name: "auto-submitted", value: data.autoSubmitted }] : [];
  return {
    kind: "message",
    providerMessageId: data.id,
    from: from.address,
    fromName: from.name,
    to: addressesOf(data.to?.join(", ")),
    cc: addressesOf(data.cc?.join(", ")),
    bcc: addressesOf(data.bcc?.join(", ")),
    subject,
    text: plain,
    html,
    attachments: data.attachments,
    rfcMessageId: parseMessageIds(data.messageId)[0],
    inReplyTo: parseMessageIds(data.inReplyTo?.join(" ")),
    references: parseMessageIds(data.references?.join(" ")),
    automatic: readMailHeaders(autoSubmitted).automatic,
    sentAt: parseTime(data.sentAt),
  };
}
