import { z } from "zod";
import { escapeHtml } from "../../formats/escape-html.ts";
import { parseContentId } from "../../formats/mime.ts";
import { formatMailbox, outgoingHeadersWithoutId } from "../../formats/outgoing-mail.ts";
import { parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage } from "../../model.ts";
import { brevoChecks } from "../checks/email/brevo.ts";
import { apiKey, credentials, urlLogin } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { headersByName, maybeMailbox, rfcMessageId } from "../kit/email/mail-fields.ts";
import { asHeaders, mailOfParts } from "../kit/email/mail-parts.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { receipt, type StatusWords } from "../kit/events.ts";
import { listOf, maybe, maybeNumber, maybeReference, maybeText, messageId, oneOrMore } from "../kit/fields.ts";
import { byUrlLogin } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, post, refusalAt, rfcMessageIdAt } from "../kit/sends.ts";

/**
 * Brevo: inbound parsing (https://developers.brevo.com/docs/inbound-parse-webhooks), sending
 * (https://developers.brevo.com/reference/sendtransacemail) and events (https://developers.brevo.com/docs/transactional-webhooks).
 */
export const brevo = defineProvider({
  label: "Brevo",
  channel: "email",
  credentials: credentials({
    always: urlLogin,
    toSend: {
      apiKey: apiKey("Under SMTP & API, on the tab API keys. It opens the files of mails as well."),
    },
  }),
  pasteAt:
    'an inbound webhook of the domain that receives (`POST https://api.brevo.com/v3/webhooks` with `"type": "inbound"`, `"events": ["inboundEmailProcessed"]`, the `domain` and the `url`), and a transactional webhook (Transactional, Settings, Webhook) for sent, delivered, hard and soft bounced, blocked, invalid, error, complaint, unsubscribed and opened. The URL holds the credentials, because Brevo signs nothing; it is shown whole only in the answer to who set them',
  notes: [
    "Brevo takes mails apart, and keeps their files: they are fetched with the API key when a mail is posted.",
    "Brevo tries four times within some eleven hours, and no more after most refusals: what is refused is answered 429.",
    "Brevo gives each email a Message-ID of its own. Ours follows the references; whether Brevo hands those on, it does not say.",
    "An email without HTML goes out with its text as HTML, which Brevo asks for.",
    "Opens come only when Brevo tracks them. What mail programs open by themselves is not taken for reading.",
  ],
  receives: {
    contentTypes: ["application/json"],
    ...byUrlLogin,
    refusedWith: 429,
    sample: ({ id, from, to, subject, text: words, at }) =>
      jsonSample({
        items: [
          {
            ...{ Uuid: [id], MessageId: `<${id}@bridge.invalid>`, From: { Address: from }, To: [{ Address: to }] },
            ...{ Recipients: [to], Subject: subject, SentAtDate: at.toUTCString(), Headers: {}, RawTextBody: words },
          },
        ],
      }),
    read: (webhook) => (isMail(webhook) ? readMails(webhook) : readReceipts(webhook)),
  },
  sends: {
    request: (message, { apiKey }) => post("https://api.brevo.com/v3/smtp/email", key(apiKey), compose(message)),
    answer: answerOf({
      ...rfcMessageIdAt("messageId"),
      refused: refusalAt({ code: "code", message: "message" }),
    }),
    // https://developers.brevo.com/docs/how-it-works#error-codes
    refusals: {
      ...{ unauthorized: "misconfigured", permission_denied: "misconfigured", not_enough_credits: "misconfigured" },
      ...{ account_under_validation: "misconfigured", too_many_requests: "throttled" },
    },
  },
  media: {
    hosts: ["api.brevo.com"],
    path: () => `${filesPath}{file}`,
    headers: ({ apiKey }) => key(apiKey),
  },
  checks: brevoChecks,
});

const filesPath = "/v3/inbound/attachments/";
const key = (apiKey: string) => ({ "api-key": apiKey });

const isMail = (webhook: DecodedWebhook) =>
  z.object({ items: z.unknown() }).safeParse(webhook.read(z.unknown())).data?.items !== undefined;

const box = z.object({ Name: maybeText, Address: maybeText });
const boxes = listOf(box);
const inbound = z.object({
  items: z.array(
    z.object({
      Uuid: z.tuple([messageId], z.unknown()),
      ...{ From: box.nullish(), To: boxes, Cc: boxes, ReplyTo: box.nullish(), Recipients: listOf(z.string()) },
      ...{ MessageId: maybeText, InReplyTo: maybeText, Subject: maybeText, SentAtDate: maybeText },
      ...{ RawTextBody: maybeText, RawHtmlBody: maybeText },
      Headers: maybe(headersByName),
      Attachments: listOf(
        z.object({
          ...{ Name: maybeText, ContentType: maybeText, ContentID: maybeText, ContentLength: maybeNumber },
          DownloadToken: maybe(z.string().regex(/^[\w=.-]{1,500}$/)),
        }),
      ),
    }),
  ),
});
type Item = z.infer<typeof inbound>["items"][number];

const readMails = (webhook: DecodedWebhook) => Promise.all(webhook.read(inbound).items.map(readMail));

/** Of the headers that are fields as well, those among the others count where they are there. */
function readMail({ Uuid: [id], From, To, Cc, ReplyTo, Recipients, Subject, Attachments, ...rest }: Item) {
  const own = { "Message-ID": rest.MessageId, "In-Reply-To": rest.InReplyTo, Date: rest.SentAtDate };
  const headers = asHeaders({ ...own, "Reply-To": ReplyTo?.Address });
  const files = Attachments.map(({ Name: name, ContentType: contentType, ContentLength: sizeBytes, ...file }) => {
    const url = file.DownloadToken ? `https://api.brevo.com${filesPath}${file.DownloadToken}` : undefined;
    return { url, name, contentType, sizeBytes, contentId: parseContentId(file.ContentID) };
  });
  const parties = {
    ...{ from: From?.Address && formatMailbox(From.Address, From.Name), to: boxesIn(To), cc: boxesIn(Cc) },
    envelope: { to: Recipients },
  };
  const content = { subject: Subject, text: rest.RawTextBody, html: rest.RawHtmlBody, files };
  return mailOfParts({ ...parties, ...content, headers: [...(rest.Headers ?? []), ...headers] }, id);
}

const boxesIn = (all: z.infer<typeof boxes>) => all.map(({ Address = "" }) => Address);

/** A soft bounce is said once Brevo has ceased to try. */
const words: StatusWords = {
  ...{ request: "sent", delivered: "delivered", opened: "read", unique_opened: "read", click: "read" },
  ...{ hard_bounce: "bounced", invalid_email: "bounced", soft_bounce: "failed", blocked: "failed", error: "failed" },
  ...{ spam: "complained", complaint: "complained", unsubscribed: "unsubscribed", unsubscribe: "unsubscribed" },
};

const kind = z.looseObject({ event: maybeText });
const event = z.object({
  ...{ "message-id": rfcMessageId, email: maybeMailbox, reason: maybeText },
  "X-Mailin-custom": maybeReference,
});

/** One event, or several where they are grouped. */
const readReceipts = (webhook: DecodedWebhook) =>
  webhook.read(oneOrMore(kind)).map((each) => {
    return receipt(each.event ?? "without a word", words, () => {
      const { email: recipient, reason, "message-id": id, ...rest } = parseValue(event, each);
      return { id, reference: rest["X-Mailin-custom"], recipient, message: reason };
    });
  });

/** https://developers.brevo.com/reference/sendtransacemail */
function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html } = message;
  const boxesOf = (all: string[]) => (all.length > 0 ? all.map((email) => ({ email })) : undefined);
  const files = filesOf(message).map(({ name, content }) => ({ name, content }));
  return {
    ...{ sender: { email: from, name: fromName }, to: [{ email: to }], cc: boxesOf(cc), bcc: boxesOf(bcc) },
    ...{ replyTo: replyTo ? { email: replyTo } : undefined, subject },
    ...{ textContent: text, htmlContent: html ?? (text ? preformatted(text) : undefined) },
    attachment: files.length > 0 ? files : undefined,
    headers: { ...byName(outgoingHeadersWithoutId(message)), "X-Mailin-custom": message.reference },
  };
}

/** To write more as HTML would keep everybody else waiting. */
const maxPreformatted = 500_000;
const notice = "[The rest of this email can be read as plain text only.]";

function preformatted(text: string): string {
  const words = text.length > maxPreformatted ? `${text.slice(0, maxPreformatted).toWellFormed()}\n\n${notice}` : text;
  return `<div style="white-space:pre-wrap">${escapeHtml(words)}</div>`;
}
