import { z } from "zod";
import { escapeHtml } from "../../formats/escape-html.ts";
import { composeMail } from "../../formats/mail.ts";
import { allOf } from "../../formats/mail-headers.ts";
import { addressesOf, normalizeMailbox } from "../../formats/mailbox.ts";
import { parseContentId } from "../../formats/mime.ts";
import { outgoingHeadersWithoutId, requireContent } from "../../formats/outgoing-mail.ts";
import { parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage } from "../../model.ts";
import { brevoChecks } from "../checks/email/brevo.ts";
import { credentials, printable, secret, urlLogin } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { mail, receipt, type StatusWords } from "../kit/events.ts";
import { listOf, maybeNumber, maybeText, messageId, reference, requiredText, rfcMessageId } from "../kit/fields.ts";
import { byUrlLogin } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, post } from "../kit/sends.ts";

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
      apiKey: secret(
        "API key",
        "Under SMTP & API, on the tab API keys. It opens the files of mails as well.",
        printable,
      ),
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
      taken: z.object({ messageId: rfcMessageId }),
      sent: ({ messageId: id }) => ({ providerMessageId: id, rfcMessageId: id }),
      refused: z.object({ code: requiredText, message: requiredText }),
    }),
    // https://developers.brevo.com/docs/how-it-works#error-codes
    refusals: {
      ...{ unauthorized: "misconfigured", permission_denied: "misconfigured", not_enough_credits: "misconfigured" },
      ...{ account_under_validation: "misconfigured", too_many_requests: "throttled" },
    },
  },
  media: {
    hosts: ["api.brevo.com"],
    path: () => "/v3/inbound/attachments/{file}",
    headers: ({ apiKey }) => key(apiKey),
  },
  checks: brevoChecks,
});

const key = (apiKey: string) => ({ "api-key": apiKey });

const isMail = (webhook: DecodedWebhook) =>
  z.object({ items: z.unknown() }).safeParse(webhook.read(z.unknown())).data?.items !== undefined;

const box = z.object({ Name: maybeText, Address: maybeText });
const boxes = listOf(box);
const headerValue = z.union([z.string().transform((value) => [value]), z.array(z.string())]);
const inbound = z.object({
  items: z.array(
    z.object({
      Uuid: z.tuple([messageId], z.unknown()),
      ...{ From: box.nullish(), To: boxes, Cc: boxes, ReplyTo: box.nullish(), Recipients: listOf(z.string()) },
      ...{ MessageId: maybeText, InReplyTo: maybeText, Subject: maybeText, SentAtDate: maybeText },
      ...{ RawTextBody: maybeText, RawHtmlBody: maybeText },
      Headers: z.record(z.string(), headerValue).nullish().catch(undefined),
      Attachments: listOf(
        z.object({
          ...{ Name: maybeText, ContentType: maybeText, ContentID: maybeText, ContentLength: maybeNumber },
          DownloadToken: z
            .string()
            .regex(/^[\w=.-]{1,500}$/)
            .nullish()
            .catch(undefined),
        }),
      ),
    }),
  ),
});
type Item = z.infer<typeof inbound>["items"][number];

const readMails = (webhook: DecodedWebhook) => webhook.read(inbound).items.map(readMail);

/** Of the headers that are fields as well, those among the others count where they are there. */
function readMail({ Uuid: [id], From, To, Cc, ReplyTo, Recipients, Subject, Attachments, ...rest }: Item) {
  const given = Object.entries(rest.Headers ?? {}).flatMap(([name, all]) => all.map((value) => ({ name, value })));
  const own = { "Message-ID": rest.MessageId, "In-Reply-To": rest.InReplyTo, Date: rest.SentAtDate };
  const fields = Object.entries({ ...own, "Reply-To": ReplyTo?.Address }).flatMap(([name, value]) =>
    value !== undefined && allOf(given, name.toLowerCase()) === undefined ? [{ name, value }] : [],
  );
  const from = normalizeMailbox(From?.Address ?? "");
  const spelling = From?.Address?.trim();
  const content = composeMail({
    from:
      from === undefined
        ? undefined
        : { address: from, name: From?.Name, spelling: spelling === from ? undefined : spelling },
    ...{ to: addressesIn(To), cc: addressesIn(Cc), bcc: [] },
    ...{ subject: Subject, text: rest.RawTextBody, html: rest.RawHtmlBody, headers: [...given, ...fields] },
    attachments: Attachments.map(({ Name: name, ContentType: contentType, ContentLength: sizeBytes, ...file }) => {
      const { DownloadToken: token, ContentID } = file;
      const url = token ? `https://api.brevo.com/v3/inbound/attachments/${token}` : undefined;
      return { url, name, contentType, sizeBytes, contentId: parseContentId(ContentID) };
    }),
  });
  return mail(id, content, addressesOf(Recipients.join(", ")));
}

const addressesIn = (all: z.infer<typeof boxes>) => addressesOf(all.map(({ Address }) => Address ?? "").join(", "));

/** A soft bounce is said once Brevo has ceased to try. */
const words: StatusWords = {
  ...{ request: "sent", delivered: "delivered", opened: "read", unique_opened: "read", click: "read" },
  ...{ hard_bounce: "bounced", invalid_email: "bounced", soft_bounce: "failed", blocked: "failed", error: "failed" },
  ...{ spam: "complained", complaint: "complained", unsubscribed: "unsubscribed", unsubscribe: "unsubscribed" },
};

const kind = z.looseObject({ event: maybeText });
const event = z.object({
  ...{ "message-id": rfcMessageId, email: maybeText, reason: maybeText },
  // Not only what the bridge sent comes through the account: others may keep there what they like.
  "X-Mailin-custom": reference.optional().catch(undefined),
});

/** One event, or several where they are grouped. */
const readReceipts = (webhook: DecodedWebhook) =>
  webhook.read(z.union([z.array(kind), kind.transform((each) => [each])])).map((each) => {
    return receipt(each.event ?? "without a word", words, () => {
      const { email = "", reason, "message-id": id, ...rest } = parseValue(event, each);
      return { id, reference: rest["X-Mailin-custom"], recipient: normalizeMailbox(email), message: reason };
    });
  });

/** https://developers.brevo.com/reference/sendtransacemail */
function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html, attachments } = message;
  const boxesOf = (all: string[]) => (all.length > 0 ? all.map((email) => ({ email })) : undefined);
  const own = Object.fromEntries(outgoingHeadersWithoutId(message).map(({ name, value }) => [name, value]));
  const files = attachments.map((file) => ({ name: file.name, content: requireContent(file).toString("base64") }));
  return {
    ...{ sender: { email: from, name: fromName }, to: [{ email: to }], cc: boxesOf(cc), bcc: boxesOf(bcc) },
    ...{ replyTo: replyTo ? { email: replyTo } : undefined, subject },
    ...{ textContent: text, htmlContent: html ?? (text ? preformatted(text) : undefined) },
    attachment: files.length > 0 ? files : undefined,
    headers: { ...own, "X-Mailin-custom": message.reference },
  };
}

const preformatted = (text: string) => `<div style="white-space:pre-wrap">${escapeHtml(text)}</div>`;
