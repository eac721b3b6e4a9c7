import { z } from "zod";
import type { CallApi } from "../calls/call-api.ts";
import { Failure } from "../errors.ts";
import { readMailHeaders } from "../formats/mail-headers.ts";
import { addressesOf, normalizeMailbox, requireMailbox } from "../formats/mailbox.ts";
import { parseContentId } from "../formats/mime.ts";
import { formatMailbox, requireContent, threadHeaders } from "../formats/outgoing-mail.ts";
import { messageId, parseJson } from "../formats/parse-body.ts";
import { decodeJson, maybeText, parseValue, text } from "../formats/parse-value.ts";
import type {
  MessageError,
  OutboundMessage,
  ProviderEvent,
  ReceiptStatus,
  SentMessage,
  WebhookRequest,
} from "../model.ts";
import { isSame } from "../secrets/compare.ts";
import type { AdapterSpec } from "./kit/adapter.ts";
import { isReference } from "./kit/reference.ts";
import { requireCredential } from "./kit/require-credential.ts";

const credentials = z.strictObject({
  username: z.string().regex(/^[^:\s]+$/, "must not be empty, and hold no colon and no space"),
  password: z.string().min(16, "must have at least 16 characters; make one by: openssl rand -hex 24"),
  /** For sending. */
  serverToken: z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]+$/, "must be the API token of the Postmark server that sends")
    .optional(),
  /** Which of the server's streams sends; Postmark's own default is `outbound`. */
  messageStream: z
    .string()
    .regex(/^[\w-]+$/, "must be the id of a message stream, such as outbound")
    .optional(),
});
type Credentials = z.infer<typeof credentials>;

/**
 * Postmark: inbound mail (https://postmarkapp.com/developer/webhooks/inbound-webhook), sending
 * (https://postmarkapp.com/developer/api/email-api) and receipts (https://postmarkapp.com/developer/webhooks/webhooks-overview).
 * Postmark signs nothing; what proves that a webhook is its is a user name and a password in the webhook's URL.
 */
export const postmark: AdapterSpec<Credentials> = {
  channel: "email",
  contentTypes: ["application/json"],
  credentials,
  verify: (request, { username, password }) => {
    const expected = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    return isSame(request.headers["authorization"] ?? "", expected);
  },
  parse,
  openFiles,
  send,
  readError,
  webhookUrl: (url, { username, password }) =>
    url.replace("://", `://${encodeURIComponent(username)}:${encodeURIComponent(password)}@`),
};

const mailboxes = z.array(z.object({ Email: text })).nullish();
const inbound = z.object({
  MessageID: messageId,
  From: maybeText,
  FromFull: z.object({ Email: text, Name: maybeText }).nullish(),
  ToFull: mailboxes,
  CcFull: mailboxes,
  BccFull: mailboxes,
  To: maybeText,
  Cc: maybeText,
  Bcc: maybeText,
  Subject: maybeText,
  Date: maybeText,
  TextBody: maybeText,
  HtmlBody: maybeText,
  Headers: z.array(z.object({ Name: text, Value: text })).nullish(),
  Attachments: z
    .array(
      z.object({ Name: maybeText, ContentType: maybeText, ContentLength: z.number().nullish(), ContentID: maybeText }),
    )
    .nullish(),
});

function parse(request: WebhookRequest): ProviderEvent[] {
  const body = decodeJson(request.body.toString("utf8"));
  const { RecordType: record = "Inbound" } = parseValue(z.object({ RecordType: maybeText }), body);
  return record === "Inbound" ? [readMail(body)] : [readReceipt(record, body)];
}

function readMail(body: unknown): ProviderEvent {
  const mail = parseValue(inbound, body);
  const from = requireMailbox(mail.FromFull?.Email || mail.From, "FromFull.Email");
  // From and Date are fields of their own and not among the headers; Return-Path is, first, put there by Postmark.
  const headers = (mail.Headers ?? []).map(({ Name, Value }) => ({ name: Name, value: Value }));
  headers.push({ name: "From", value: from.address }, { name: "Date", value: mail.Date ?? "" });
  return {
    kind: "message",
    providerMessageId: mail.MessageID,
    from: from.address,
    fromName: mail.FromFull?.Name ?? from.name,
    to: listOf(mail.ToFull, mail.To),
    cc: listOf(mail.CcFull, mail.Cc),
    bcc: listOf(mail.BccFull, mail.Bcc),
    subject: mail.Subject,
    text: mail.TextBody,
    html: mail.HtmlBody,
    attachments: (mail.Attachments ?? []).map(({ Name, ContentType, ContentLength, ContentID }) => ({
      contentId: parseContentId(ContentID),
      name: Name,
      contentType: ContentType,
      sizeBytes: ContentLength ?? undefined,
    })),
    ...readMailHeaders(headers),
  };
}

function listOf(full: z.infer<typeof mailboxes>, header: string | undefined): string[] {
  return addressesOf(full?.map((mailbox) => mailbox.Email).join(", ") || header);
}

const files = z.object({ Attachments: z.array(z.object({ Content: z.string().nullish() })).nullish() });

function openFiles(request: WebhookRequest): (Buffer | undefined)[] {
  const { Attachments } = parseJson(files, request.body);
  return (Attachments ?? []).map(({ Content }) => (Content == null ? undefined : Buffer.from(Content, "base64")));
}

/**
 * Events, and what Postmark calls bounces (https://postmarkapp.com/developer/api/bounce-api#bounce-types), as far as they
 * tell what became of an email. SoftBounce does: Postmark has ceased to try when it says so
 * (https://postmarkapp.com/support/article/1159-how-to-fix-soft-bounces). Not here: Transient and DnsError, after which
 * the email may still arrive, and bounces that are an answer or a wish.
 */
const statuses = new Map<string, ReceiptStatus>([
  ["Delivery", "delivered"],
  ["Open", "read"],
  ["SpamComplaint", "delivered"],
  ["SpamNotification", "delivered"],
  ["HardBounce", "failed"],
  ["SoftBounce", "failed"],
  ["BadEmailAddress", "failed"],
  ["Blocked", "failed"],
  ["DMARCPolicy", "failed"],
  ["ManuallyDeactivated", "failed"],
  ["SMTPApiError", "failed"],
  ["TemplateRenderingFailed", "failed"],
  ["Unconfirmed", "failed"],
  ["VirusNotification", "failed"],
]);

const receipt = z.object({
  MessageID: messageId,
  Recipient: maybeText,
  Email: maybeText,
  Details: maybeText,
  Description: maybeText,
  // Not only what the bridge sent comes through the server: others may keep there what they like.
  Metadata: z.object({ message: z.string().refine(isReference).optional() }).catch({}),
});

function readReceipt(record: string, body: unknown): ProviderEvent {
  const isBounce = record === "Bounce" || record === "SpamComplaint";
  const { Type } = parseValue(z.object({ Type: maybeText.catch(undefined) }), body);
  const word = (isBounce && Type) || record;
  const status = statuses.get(word);
  if (!status) return { kind: "ignored", reason: `event ${word}: it does not tell whether an email arrived` };

  const event = parseValue(receipt, body);
  return {
    kind: "receipt",
    reference: event.Metadata.message,
    providerMessageId: event.MessageID,
    status,
    recipient: normalizeMailbox(event.Recipient ?? event.Email ?? ""),
    error: isBounce ? { code: word, message: wordsOf(word, event) } : undefined,
  };
}

function wordsOf(type: string, { Details, Description }: z.infer<typeof receipt>): string {
  if (type === "SpamComplaint") return "the person marked it as spam";
  return Details ?? Description ?? type;
}

const accepted = z.object({ ErrorCode: z.number(), Message: maybeText, MessageID: maybeText });

/**
 * https://postmarkapp.com/developer/api/email-api#send-a-single-email. Postmark gives an email a Message-ID of its own,
 * <MessageID@mtasv.net>, unless X-PM-KeepID says that ours stays:
 * https://postmarkapp.com/developer/user-guide/send-email-with-smtp (there for SMTP; Postmark's own libraries send it by this API, too).
 * An ErrorCode of 0 is a success, also when its words name a recipient that Postmark does not deliver to any more.
 */
async function send(message: OutboundMessage, given: Credentials, callApi: CallApi): Promise<SentMessage> {
  const serverToken = requireCredential(given.serverToken, "serverToken");
  const { status, body } = await callApi({
    method: "POST",
    url: "https://api.postmarkapp.com/email",
    headers: { accept: "application/json", "x-postmark-server-token": serverToken },
    body: compose(message, given.messageStream),
  });
  const { data } = accepted.safeParse(body);
  if (data?.ErrorCode) {
    const words = `ErrorCode ${data.ErrorCode}${data.Message ? `: ${data.Message}` : ""}`;
    throw new Failure("rejected", words, { status, code: String(data.ErrorCode), answer: body });
  }
  if (!data?.MessageID) {
    throw new Failure("invalid_answer", "the answer has no MessageID", { status, answer: body });
  }
  return {
    providerMessageId: data.MessageID,
    rfcMessageId: message.rfcMessageId ? undefined : `${data.MessageID}@mtasv.net`,
  };
}

function compose(message: OutboundMessage, messageStream: string | undefined) {
  const headers = threadHeaders(message).map(({ name, value }) => ({ Name: name, Value: value }));
  if (message.rfcMessageId) headers.push({ Name: "X-PM-KeepID", Value: "true" });
  return {
    From: formatMailbox(message.from, message.fromName),
    To: message.to,
    Cc: message.cc.join(", ") || undefined,
    Bcc: message.bcc.join(", ") || undefined,
    ReplyTo: message.replyTo,
    Subject: message.subject,
    TextBody: message.text,
    HtmlBody: message.html,
    MessageStream: messageStream,
    Metadata: { message: message.reference },
    Headers: headers,
    Attachments: message.attachments.map((file) => ({
      Name: file.name,
      Content: requireContent(file).toString("base64"),
      ContentType: file.contentType,
    })),
  };
}

/** https://postmarkapp.com/developer/api/overview#error-codes */
const refusal = z.object({ ErrorCode: z.number(), Message: text });

function readError(answer: unknown): MessageError | undefined {
  const { data } = refusal.safeParse(answer);
  return data ? { code: String(data.ErrorCode), message: data.Message } : undefined;
}
