import { z } from "zod";
import { parseMessageIds, readMailHeaders } from "../formats/mail-headers.ts";
import { addressesOf, requireMailbox } from "../formats/mailbox.ts";
import { openMime, parseMime } from "../formats/mime.ts";
import { messageId, parseJson, parseTime } from "../formats/parse-body.ts";
import { maybeText, requiredText, text } from "../formats/parse-value.ts";
import { requirePhoneNumber } from "../formats/phone-number.ts";
import type { ProviderEvent, ProviderMessage, ReceiptStatus, WebhookRequest } from "../model.ts";
import { emailData, readError, send, textData, webhookId } from "./generic-send.ts";
import type { AdapterSpec } from "./kit/adapter.ts";
import { ed25519KeyMessage } from "./kit/ed25519.ts";
import { isReference } from "./kit/reference.ts";
import { decodePublicKeyOf, decodeSecret, verifyWebhook } from "./kit/standard-webhooks.ts";

const secretMessage = "whsec_ and 24 to 64 random bytes in base64";
const credentials = z.strictObject({
  secret: z
    .string()
    .trim()
    .refine(
      (secret) => decodeSecret(secret) !== undefined || decodePublicKeyOf(secret) !== undefined,
      `must be ${secretMessage}, or for Ed25519 whpk_ and ${ed25519KeyMessage}`,
    ),
  sendUrl: z
    .url({ protocol: /^https?$/, error: "must be the https or http URL that takes messages to send" })
    .optional(),
  sendSecret: z
    .string()
    .trim()
    .refine((secret) => decodeSecret(secret) !== undefined, `must be ${secretMessage}`)
    .optional(),
});
type Credentials = z.infer<typeof credentials>;

/**
 * Any sender that signs by Standard Webhooks (https://www.standardwebhooks.com). It posts JSON to the mapping's URL, with
 * a `type` and its `data`; other types than these are ignored. Fields that are not named here are, too.
 *
 * A person wrote:
 *
 *     { "type": "message.received",
 *       "data": { "id": "m-1", "from": "+15005550006", "to": "+15005550009", "text": "Hello",
 *                 "sentAt": "2026-01-31T09:30:00Z",
 *                 "attachments": [{ "url": "https://example.com/cat.jpg", "contentType": "image/jpeg" }] } }
 *
 * `id` (the sender's own, the same when the message is sent again), `from` and `to` must be there; `to` may be a list.
 * An attachment has a `url` and, where they are known, `name`, `contentType` and `sizeBytes`.
 *
 * The business itself wrote, outside HighLevel: `message.sent`, with the same `data`; `from` is then the mapping's
 * number, and `to` the person's. Not for what the bridge asked to be sent.
 *
 * **Sending.** The bridge posts each message to the credentials' `sendUrl`, signed by Standard Webhooks with `sendSecret`,
 * or with `secret` where that is missing (a `whpk_` key cannot sign):
 *
 *     webhook-id: msg_42
 *     webhook-timestamp: 1769851800
 *     webhook-signature: v1,...
 *
 *     { "type": "message.send", "timestamp": "2026-01-31T09:30:00.000Z",
 *       "data": { "reference": "42", "from": "+15005550009", "to": "+15005550006", "text": "Hello",
 *                 "attachments": [{ "url": "https://example.com/cat.jpg", "name": "cat.jpg",
 *                                   "contentType": "image/jpeg" }] } }
 *
 * The `webhook-id` stays when the same message is posted again, because an answer was lost: send it once. `text` may be
 * missing where there are attachments. Answer 2xx when you have taken it, with `{ "id": "..." }` where you have an id of
 * your own (a text); without one it is the `webhook-id`. To refuse it, answer 4xx with problem details
 * (https://www.rfc-editor.org/rfc/rfc9457), `{ "error": { "code", "message" } }` or `{ "message" }`; an agent reads it.
 * With 429 and 503 it comes again, after your Retry-After.
 *
 * **Receipts.** Then tell what became of it, at the mapping's URL, as often as there is news:
 *
 *     { "type": "message.status",
 *       "data": { "reference": "42", "id": "your-id", "status": "failed",
 *                 "error": { "code": "30003", "message": "The phone is switched off" } } }
 *
 * `status` is `sent`, `delivered`, `read` or `failed`, others are ignored; `reference` or `id`, or both, must be there.
 */
export const genericSms: AdapterSpec<Credentials> = {
  channel: "sms",
  contentTypes: ["application/json"],
  credentials,
  verify: (request, { secret }) => verifyWebhook(request, secret),
  parse: (request) => parse(request, { schema: sms, toMessage: toText, readRecipient: () => undefined }),
  send: (message, given, callApi) => send(textData(message), given, callApi),
  readError,
  isIdempotent: true,
};

/**
 * The same for email. `data` holds `id`, and the email in one of two forms: as a whole in `mime` (RFC 5322; in base64 as
 * `mimeBase64`), as a mail server has it, or in fields: `from`, `to`, `cc`, `bcc`, `subject`, `text`, `html`, `sentAt`,
 * `attachments`, and for threads `messageId`, `inReplyTo`, `references` as in its headers. `autoSubmitted`, as in the
 * header, marks what a machine wrote.
 *
 * What is posted to `sendUrl` has in `data`, besides `reference`, `from`, `to` and `text`: `fromName`, `cc` and `bcc`
 * (lists), `replyTo`, `subject`, `html`, and for the headers `messageId`, `inReplyTo` (ids without angle brackets) and
 * `references` (a list, oldest first). Lists may be empty; anything else that there is none of is missing. `attachments`
 * are URLs, to be fetched before you send. Send with that `messageId`, or give yours as `messageId` in the answer:
 * answers thread by it.
 *
 * A receipt may name in `recipient` whom of several it is about.
 */
export const genericEmail: AdapterSpec<Credentials> = {
  ...genericSms,
  channel: "email",
  parse: (request) => parse(request, { schema: email, toMessage: toEmail, readRecipient }),
  openFiles,
  send: (message, given, callApi) => send(emailData(message), given, callApi),
};

const envelope = z.object({ type: requiredText });

/** What texts and emails do not have in common. */
interface Reading<Data> {
  schema: z.ZodType<Data>;
  toMessage(data: Data): ProviderMessage | Promise<ProviderMessage>;
  readRecipient(recipient: string | undefined): string | undefined;
}

async function parse<Data>(request: WebhookRequest, reading: Reading<Data>): Promise<ProviderEvent[]> {
  const { type } = parseJson(envelope, request.body);
  const read = <Output>(data: z.ZodType<Output>) => parseJson(z.object({ data }), request.body).data;
  if (type === "message.received") return [await reading.toMessage(read(reading.schema))];
  if (type === "message.sent") return [{ ...(await reading.toMessage(read(reading.schema))), direction: "outbound" }];
  if (type === "message.status") return [toReceipt(read(progress), reading)];
  return [{ kind: "ignored", reason: `event ${type}: says nothing that is bridged` }];
}

const statuses = new Map<string, ReceiptStatus>([
  ["sent", "sent"],
  ["delivered", "delivered"],
  ["read", "read"],
  ["failed", "failed"],
]);

const progress = z
  .object({
    id: messageId.nullish(),
    reference: z.string().refine(isReference, "is not one that the bridge gave").nullish(),
    status: requiredText,
    recipient: maybeText,
    error: z.object({ code: maybeText, message: maybeText }).nullish(),
  })
  .refine(({ id, reference }) => id || reference, "needs an id or a reference");

function toReceipt(
  data: z.infer<typeof progress>,
  { readRecipient }: Pick<Reading<never>, "readRecipient">,
): ProviderEvent {
  const { id, reference, error } = data;
  const status = statuses.get(data.status);
  if (!status) return { kind: "ignored", reason: `status ${data.status}: says nothing that is passed on` };
  const { code = "failed", message = "no reason was given" } = error ?? {};
  return {
    kind: "receipt",
    reference: reference ?? undefined,
    providerMessageId: id ?? webhookId(reference ?? ""),
    status,
    recipient: readRecipient(data.recipient),
    error: status === "failed" ? { code, message } : undefined,
  };
}

function readRecipient(recipient: string | undefined): string | undefined {
  return recipient === undefined ? undefined : requireMailbox(recipient, "data.recipient").address;
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

const files = email.pick({ mime: true, mimeBase64: true, attachments: true });

async function openFiles(request: WebhookRequest): Promise<(Buffer | undefined)[]> {
  const { data } = parseJson(z.object({ data: files }), request.body);
  const raw = wholeEmail(data);
  return raw ? openMime(raw) : data.attachments.map(() => undefined);
}

function wholeEmail({ mime, mimeBase64 }: z.infer<typeof files>): Buffer | string | null | undefined {
  return mimeBase64 ? Buffer.from(mimeBase64, "base64") : mime;
}

async function toEmail(data: z.infer<typeof email>): Promise<ProviderMessage> {
  const raw = wholeEmail(data);
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
