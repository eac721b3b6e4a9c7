import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import type { CallApi } from "../calls/call-api.ts";
import { Failure } from "../errors.ts";
import { messageId, parseForm, parseJson } from "../formats/parse-body.ts";
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
import { isSame } from "../secrets/compare.ts";
import type { AdapterSpec } from "./kit/adapter.ts";
import { queryOf, referenceOf } from "./kit/reference.ts";

const credentials = z.strictObject({
  accountSid: z.string().regex(/^AC[0-9a-f]{32}$/i, "must be the Account SID: AC and 32 hexadecimal digits"),
  authToken: z.string().trim().min(1, "must be the primary Auth Token of the account that owns the number"),
  /** Sends through this Messaging Service, still from the mapping's number, which must be in its sender pool. */
  messagingServiceSid: z
    .string()
    .regex(/^MG[0-9a-f]{32}$/i, "must be a Messaging Service SID: MG and 32 hexadecimal digits")
    .optional(),
});
type Credentials = z.infer<typeof credentials>;

/** Twilio Programmable Messaging: https://www.twilio.com/docs/messaging/guides/webhook-request */
export const twilio: AdapterSpec<Credentials> = {
  channel: "sms",
  contentTypes: ["application/x-www-form-urlencoded", "application/json"],
  credentials,
  verify: (request, { authToken }) => verify(request, authToken),
  parse,
  send,
  readError,
  media: {
    hosts: ["api.twilio.com"],
    // To an address that is valid for four hours: https://support.twilio.com/hc/en-us/articles/223183748
    redirectHosts: [".twiliocdn.com", "s3-external-1.amazonaws.com"],
    headers: (given) => ({ authorization: basic(given) }),
  },
  // A plain text would be sent to the person as a reply.
  acknowledgement: { status: 200, contentType: "text/xml", body: "<Response/>" },
};

/**
 * HMAC-SHA1 over the public URL and the sorted form fields, or for JSON over the URL alone, whose query then holds the
 * body's SHA-256. Whether the signed URL has its default port differs from sender to sender.
 * https://www.twilio.com/docs/usage/security#validating-requests
 */
function verify(request: WebhookRequest, authToken: string): boolean {
  const signature = request.headers["x-twilio-signature"];
  if (!signature) return false;
  if (isJson(request) && !isBodySigned(request)) return false;
  const signedFields = isJson(request) ? "" : sortedFields(request.body);
  return urlsWithAndWithoutPort(request.url).some((url) => {
    const expected = createHmac("sha1", authToken)
      .update(url + signedFields, "utf8")
      .digest("base64");
    return isSame(signature, expected);
  });
}

const isJson = (request: WebhookRequest) => /^application\/json\b/i.test(request.headers["content-type"] ?? "");

function isBodySigned(request: WebhookRequest): boolean {
  const bodySha256 = queryOf(request.url).get("bodySHA256");
  return bodySha256 !== null && isSame(bodySha256, createHash("sha256").update(request.body).digest("hex"));
}

/** Each name with its value, sorted by name; of a name with several values each different one, sorted. */
function sortedFields(body: Buffer): string {
  const valuesByName = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(body.toString("utf8"))) {
    const values = valuesByName.get(name) ?? new Set();
    valuesByName.set(name, values.add(value));
  }
  return [...valuesByName.keys()]
    .sort()
    .flatMap((name) => [...(valuesByName.get(name) ?? [])].sort().map((value) => name + value))
    .join("");
}

const authority = /^(https?:)\/\/([^/?#]*?)(:\d+)?(?=[/?#]|$)/i;
const defaultPorts: Record<string, string> = { "https:": ":443", "http:": ":80" };

function urlsWithAndWithoutPort(url: string): string[] {
  const [, scheme = "", , port] = authority.exec(url) ?? [];
  const defaultPort = defaultPorts[scheme.toLowerCase()];
  if (port !== undefined && port !== defaultPort) return [url];
  return ["", defaultPort].map((each) => url.replace(authority, `$1//$2${each}`));
}

const fields = z.object({
  MessageSid: messageId,
  From: requiredText,
  To: requiredText,
  Body: maybeText,
  NumMedia: z.coerce.number().int().min(0).max(50).default(0),
});

/** A status callback has MessageStatus; an incoming message has SmsStatus=received, and no time of its own. */
const kind = z.object({ MessageStatus: maybeText, SmsStatus: maybeText });

function parse(request: WebhookRequest): ProviderEvent[] {
  const read = <Output>(schema: z.ZodType<Output>) =>
    isJson(request) ? parseJson(schema, request.body) : parseForm(schema, request.body);
  const { MessageStatus, SmsStatus } = read(kind);
  const word = MessageStatus ?? SmsStatus ?? "received";
  if (word === "received" || word === "receiving") return [toMessage(read)];
  const status = statuses.get(word);
  if (!status) return [{ kind: "ignored", reason: `status ${word}: says nothing that is passed on` }];
  return [toReceipt(read(statusCallback), word, status, referenceOf(request.url))];
}

/** https://www.twilio.com/docs/messaging/api/message-resource#message-status-values */
const statuses = new Map<string, ReceiptStatus>([
  ["sent", "sent"],
  ["delivered", "delivered"],
  ["read", "read"],
  ["undelivered", "failed"],
  ["failed", "failed"],
  ["canceled", "failed"],
]);

/** https://www.twilio.com/docs/messaging/guides/track-outbound-message-status */
const statusCallback = z.object({ MessageSid: messageId, ErrorCode: maybeText, ErrorMessage: maybeText });

function toReceipt(
  { MessageSid, ErrorCode, ErrorMessage }: z.infer<typeof statusCallback>,
  word: string,
  status: ReceiptStatus,
  reference: string | undefined,
): ProviderEvent {
  const explanation = ErrorCode ? `see https://www.twilio.com/docs/api/errors/${ErrorCode}` : `Twilio says ${word}`;
  const error = { code: ErrorCode ?? word, message: ErrorMessage ?? explanation };
  return {
    kind: "receipt",
    reference,
    providerMessageId: MessageSid,
    status,
    error: status === "failed" ? error : undefined,
  };
}

function toMessage(read: <Output>(schema: z.ZodType<Output>) => Output): ProviderMessage {
  const { From, To, Body, NumMedia, ...rest } = read(fields);
  return {
    kind: "message",
    providerMessageId: rest.MessageSid,
    from: requirePhoneNumber(From, "From"),
    to: [requirePhoneNumber(To, "To")],
    cc: [],
    bcc: [],
    text: Body,
    attachments: Array.from({ length: NumMedia }, (_, index) => {
      const media = read(z.object({ [`MediaUrl${index}`]: requiredText, [`MediaContentType${index}`]: maybeText }));
      return { url: media[`MediaUrl${index}`], contentType: media[`MediaContentType${index}`] };
    }),
    inReplyTo: [],
    references: [],
  };
}

const created = z.object({ sid: messageId });

/**
 * Creates a message: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
 * Of more than ten media it is refused by Twilio itself.
 */
async function send(message: OutboundMessage, given: Credentials, callApi: CallApi): Promise<SentMessage> {
  const form = new URLSearchParams({ To: message.to, From: message.from });
  if (given.messagingServiceSid) form.set("MessagingServiceSid", given.messagingServiceSid);
  if (message.text) form.set("Body", message.text);
  for (const { url } of message.attachments) form.append("MediaUrl", url);
  form.set("StatusCallback", message.receiptUrl);

  const { body } = await callApi({
    method: "POST",
    url: `https://api.twilio.com/2010-04-01/Accounts/${given.accountSid}/Messages.json`,
    headers: { authorization: basic(given) },
    body: form,
  });
  const answer = created.safeParse(body);
  if (!answer.success) throw new Failure("invalid_answer", "Twilio took the message and gave no sid for it");
  return { providerMessageId: answer.data.sid };
}

function basic({ accountSid, authToken }: Credentials): string {
  return `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
}

/** https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions */
const refusal = z.object({ code: z.number(), message: requiredText });

function readError(answer: unknown): MessageError | undefined {
  const { data } = refusal.safeParse(answer);
  return data && { code: String(data.code), message: data.message };
}
