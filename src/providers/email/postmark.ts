import { z } from "zod";
import { parseContentId } from "../../formats/mime.ts";
import { formatMailbox, outgoingHeaders } from "../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../model.ts";
import { postmarkChecks } from "../checks/postmark.ts";
import { credentials, printable, secret, setting, shape, urlLogin } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeMailbox } from "../kit/email/mail-fields.ts";
import { asHeaders, mailOfParts, openParts } from "../kit/email/mail-parts.ts";
import { filesOf } from "../kit/email/outgoing.ts";
import { receipt, type StatusWords } from "../kit/events.ts";
import { at, listOf, maybe, maybeNumber, maybeReference, maybeText, messageId, text } from "../kit/fields.ts";
import { byUrlLogin } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, post } from "../kit/sends.ts";

/**
 * Postmark: inbound mail (https://postmarkapp.com/developer/webhooks/inbound-webhook), sending
 * (https://postmarkapp.com/developer/api/email-api) and receipts (https://postmarkapp.com/developer/webhooks/webhooks-overview).
 * Postmark signs nothing; what proves that a webhook is its is a user name and a password in the webhook's URL.
 */
export const postmark = defineProvider({
  label: "Postmark",
  channel: "email",
  credentials: credentials({
    always: urlLogin,
    toSend: { serverToken: secret("Server API token", "On the server's page, under API Tokens.", printable) },
    ifWanted: {
      messageStream: setting(
        "Message stream",
        "Which of the server's streams sends; without it Postmark takes outbound.",
        shape(/^[\w-]+$/, "must be the id of a message stream, such as outbound"),
      ),
    },
  }),
  pasteAt:
    "the server's inbound webhook, and the stream's webhooks for Delivery, Bounce, Spam Complaint, Open and Subscription Change. The URL holds the credentials, because Postmark signs nothing; it is shown whole only in the answer to who set them",
  notes: ["Opens come only when Postmark tracks them."],
  receives: {
    contentTypes: ["application/json"],
    ...byUrlLogin,
    sample: ({ id, from, to, subject, text: words, at }) =>
      jsonSample({
        ...{ MessageID: id, From: from, FromFull: { Email: from }, To: to, ToFull: [{ Email: to }], Subject: subject },
        ...{ OriginalRecipient: to, TextBody: words, Date: at.toUTCString(), Headers: [], Attachments: [] },
      }),
    read,
    files: (webhook) => openParts(filesIn(webhook)),
  },
  sends: {
    request: (message, { serverToken, messageStream }) => {
      const headers = { accept: "application/json", "x-postmark-server-token": serverToken };
      return post("https://api.postmarkapp.com/email", headers, compose(message, messageStream));
    },
    answer: answerOf({
      // Also when its words name a recipient that Postmark does not deliver to any more.
      taken: z.object({ ErrorCode: z.literal(0), MessageID: text.refine((id) => id !== "") }),
      sent: ({ MessageID: id }, { rfcMessageId }) => {
        return { providerMessageId: id, rfcMessageId: rfcMessageId ? undefined : `${id}@mtasv.net` };
      },
      refused: z
        .object({ ErrorCode: z.number().refine((code) => code !== 0), Message: maybeText })
        .transform(({ ErrorCode: code, Message }) => ({ code: String(code), message: Message ?? `ErrorCode ${code}` })),
      refusesWithin200: true,
    }),
    // https://postmarkapp.com/developer/api/overview#error-codes
    refusals: { "10": "misconfigured" },
  },
  checks: postmarkChecks,
});

const list = z.array(z.object({ Email: text })).nullish();
const file = z.object({
  ...{ Name: maybeText, ContentType: maybeText, ContentLength: maybeNumber, ContentID: maybeText },
  Content: z.string().nullish(),
});
const inbound = z.object({
  ...{ MessageID: messageId, Subject: maybeText, Date: maybeText, TextBody: maybeText, HtmlBody: maybeText },
  ...{ OriginalRecipient: maybeText, ReplyTo: maybeText },
  ...{ From: maybeText, To: maybeText, Cc: maybeText, Bcc: maybeText },
  ...{ FromFull: z.object({ Email: text, Name: maybeText }).nullish(), ToFull: list, CcFull: list, BccFull: list },
  Headers: listOf(z.object({ Name: text, Value: text }).transform(({ Name: name, Value: value }) => ({ name, value }))),
});

const kind = z.object({ RecordType: maybeText, Type: maybeText.catch(undefined) });
/** https://postmarkapp.com/developer/webhooks/subscription-change-webhook */
const suppression = z.object({ SuppressSending: z.boolean(), SuppressionReason: maybeText.catch(undefined) });

function read(webhook: DecodedWebhook) {
  const { RecordType: record = "Inbound", Type } = webhook.read(kind);
  return record === "Inbound" ? readMail(webhook) : readReceipt(webhook, record, Type);
}

function readMail(webhook: DecodedWebhook) {
  const { Headers, FromFull, From, Subject, TextBody: text, HtmlBody: html, ...body } = webhook.read(inbound);
  const from = FromFull ? formatMailbox(FromFull.Email, FromFull.Name) : From;
  // These are fields of their own and not always among the headers; Return-Path is, first, put there by Postmark.
  const own = asHeaders({ From: from, Subject, Date: body.Date, "Reply-To": body.ReplyTo });
  const parties = { from, to: boxesIn(body.ToFull, body.To), envelope: { to: body.OriginalRecipient } };
  const copies = { cc: boxesIn(body.CcFull, body.Cc), bcc: boxesIn(body.BccFull, body.Bcc) };
  const content = { subject: Subject, text, html, headers: [...Headers, ...own], files: filesIn(webhook) };
  return mailOfParts({ ...parties, ...copies, ...content }, body.MessageID);
}

const boxesIn = (boxes: z.infer<typeof list>, header: string | undefined) =>
  boxes && boxes.length > 0 ? boxes.map(({ Email }) => Email) : (header ?? "");

const filesIn = (webhook: DecodedWebhook) =>
  webhook.read(at("Attachments", listOf(file))).map(({ Name: name, ContentType: contentType, Content, ...rest }) => ({
    ...{ contentId: parseContentId(rest.ContentID), name, contentType, sizeBytes: rest.ContentLength },
    content: Content == null ? undefined : () => Buffer.from(Content, "base64"),
  }));

/**
 * Events, and bounces by their type (https://postmarkapp.com/developer/api/bounce-api#bounce-types), as far as they tell what
 * became of an email. SoftBounce does: Postmark has ceased to try when it says so
 * (https://postmarkapp.com/support/article/1159-how-to-fix-soft-bounces). Not here: Transient and DnsError, after which
 * the email may still arrive, and bounces that are an answer or a wish.
 */
const words: StatusWords = {
  ...{ Delivery: "delivered", Open: "read", SpamComplaint: "complained", SpamNotification: "remarked" },
  ...{ HardBounce: "bounced", SoftBounce: "failed", BadEmailAddress: "bounced", Blocked: "failed" },
  ...{ DMARCPolicy: "failed", ManuallyDeactivated: "failed", SMTPApiError: "failed" },
  ...{ "ManualSuppression begins": "unsubscribed", "ManualSuppression ends": "resubscribed" },
  ...{ TemplateRenderingFailed: "failed", Unconfirmed: "failed", VirusNotification: "failed" },
};

const event = z.object({
  ...{ MessageID: messageId, Recipient: maybeMailbox, Email: maybeMailbox, Details: maybeText, Description: maybeText },
  Metadata: maybe(at("message", maybeReference)),
});

function readReceipt(webhook: DecodedWebhook, record: string, type: string | undefined) {
  const isBounce = record === "Bounce" || record === "SpamComplaint";
  const word = record === "SubscriptionChange" ? changeIn(webhook) : (isBounce && type) || record;
  return receipt(word, words, () => {
    const { MessageID: id, Recipient, Email, Details, Description, Metadata } = webhook.read(event);
    return { id, reference: Metadata, recipient: Recipient ?? Email, message: Details ?? Description ?? word };
  });
}

/** Of bounces and complaints it comes besides, and says nothing new. What ends has no reason any more. */
function changeIn(webhook: DecodedWebhook): string {
  const { SuppressSending, SuppressionReason } = webhook.read(suppression);
  return SuppressSending ? `${SuppressionReason} begins` : `${SuppressionReason ?? "ManualSuppression"} ends`;
}

/** https://postmarkapp.com/developer/api/email-api#send-a-single-email */
function compose(message: OutboundMessage, MessageStream: string | undefined) {
  const { from, fromName, cc, bcc } = message;
  const headers = outgoingHeaders(message).map(({ name, value }) => ({ Name: name, Value: value }));
  // Without it Postmark gives the email a Message-ID of its own, <MessageID@mtasv.net>; so by this API as well as by SMTP:
  // https://postmarkapp.com/developer/user-guide/send-email-with-smtp
  if (message.rfcMessageId) headers.push({ Name: "X-PM-KeepID", Value: "true" });
  return {
    ...{ From: formatMailbox(from, fromName), To: message.to, ReplyTo: message.replyTo },
    ...{ Cc: cc.join(", ") || undefined, Bcc: bcc.join(", ") || undefined },
    ...{ Subject: message.subject, TextBody: message.text, HtmlBody: message.html, MessageStream },
    ...{ Metadata: { message: message.reference }, Headers: headers },
    Attachments: filesOf(message).map(({ name: Name, contentType: ContentType, content: Content }) => {
      return { Name, Content, ContentType };
    }),
  };
}
