import { z } from "zod";
import { Failure } from "../../errors.ts";
import { parseContentId } from "../../formats/mime.ts";
import { formatMailbox, outgoingHeadersWithBoth } from "../../formats/outgoing-mail.ts";
import { parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage } from "../../model.ts";
import { credentials, pathSegment, printable, secret, setting, urlLogin } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeLink, maybeMailbox } from "../kit/email/mail-fields.ts";
import { mailOfParts, openParts } from "../kit/email/mail-parts.ts";
import { hashOf } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { receipt, type StatusWords } from "../kit/events.ts";
import { at, listOf, maybe, maybeNumber, maybeText, messageId, oneOrMore } from "../kit/fields.ts";
import { bearer, byUrlLogin } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, idAt, post, refusalAt } from "../kit/sends.ts";

/**
 * CloudMailin: mail as normalized JSON (https://docs.cloudmailin.com/http_post_formats/json_normalized/), sending
 * (https://docs.cloudmailin.com/outbound/sending_email_with_api/) and receipts
 * (https://docs.cloudmailin.com/outbound/sending_email_events_webhook/).
 */
export const cloudmailin = defineProvider({
  label: "CloudMailin",
  channel: "email",
  credentials: credentials({
    always: urlLogin,
    toSend: {
      smtpUsername: setting("SMTP username", "Of the outbound account, on its page SMTP Accounts.", pathSegment),
      apiToken: secret("API token", "Beside it, its password.", printable),
    },
  }),
  pasteAt:
    "the inbound address as its target, with the POST format _JSON Normalized_; and the outbound account as its event webhook. The URL holds the credentials, because CloudMailin signs nothing; it is shown whole only in the answer to who set them",
  notes: [
    "CloudMailin asks the bridge while the sender's server waits: what is not taken is tried again by that server, for days.",
    "It sends no blind copies: an email with bcc fails, and says so.",
  ],
  receives: {
    contentTypes: ["application/json"],
    ...byUrlLogin,
    // A 4xx goes back to the sender as a bounce: https://docs.cloudmailin.com/receiving_email/http_status_codes/
    refusedWith: 503,
    sample: ({ id, from, to, subject, text: words, at }) =>
      jsonSample({
        headers: { from, to, subject, date: at.toUTCString(), message_id: `<${id}@bridge.invalid>` },
        ...{ envelope: { from, to, recipients: [to] }, plain: words, attachments: [] },
      }),
    read: (webhook) => (isMail(webhook) ? readMail(webhook) : readReceipts(webhook)),
    files: (webhook) => (isMail(webhook) ? openParts(filesIn(webhook)) : []),
  },
  sends: {
    request: (message, { smtpUsername, apiToken }) => {
      const url = `https://api.cloudmailin.com/api/v0.1/${smtpUsername}/messages`;
      return post(url, { accept: "application/json", ...bearer(apiToken) }, compose(message));
    },
    answer: answerOf({
      ...idAt("id"),
      refused: refusalAt({ code: "status", message: "error" }),
    }),
    receiptsLackReference: true,
  },
});

const isMail = (webhook: DecodedWebhook) =>
  webhook.read(z.object({ events: z.unknown().optional() })).events === undefined;

const file = z.object({
  ...{ file_name: maybeText, content_type: maybeText, content_id: maybeText, size: maybeNumber },
  ...{ content: z.string().nullish(), url: maybeLink },
});
const inbound = z.object({
  headers: z.record(z.string(), oneOrMore(z.string())),
  envelope: z.object({
    ...{ from: z.string().nullish(), to: maybeText, recipients: listOf(z.string()) },
    spf: maybe(at("result", maybeText)),
  }),
  ...{ plain: maybeText, html: maybeText },
});

function readMail(webhook: DecodedWebhook) {
  const { headers: given, envelope, plain: text, html } = webhook.read(inbound);
  // Their names are written as `message_id`.
  const headers = Object.entries(given).flatMap(([name, values]) =>
    values.map((value) => ({ name: name.replaceAll("_", "-"), value })),
  );
  const { from, to, recipients, spf } = envelope;
  const handed = { from, to: recipients.length > 0 ? recipients : to, verdicts: { spf } };
  return mailOfParts({ text, html, headers, files: filesIn(webhook), envelope: handed }, () =>
    hashOf(JSON.stringify([given, text, html])),
  );
}

/** In the webhook, or in the store that is set at CloudMailin. */
function filesIn(webhook: DecodedWebhook) {
  const { attachments } = webhook.read(z.object({ attachments: listOf(file) }));
  return attachments.map(({ file_name: name, content_type: contentType, content_id: contentId, ...rest }) => {
    const { content, url, size: sizeBytes } = rest;
    const bytes = content == null ? undefined : Buffer.from(content, "base64");
    const facts = { contentId: parseContentId(contentId), name, contentType, sizeBytes: bytes?.length ?? sizeBytes };
    return bytes ? { ...facts, content: () => bytes } : { ...facts, url };
  });
}

/** After a `soft_bounce` CloudMailin tries again; `read` is more than `open`, of which a machine is capable. */
const words: StatusWords = {
  ...{ dispatch: "sent", delivery: "delivered", open: "read", read: "read" },
  ...{ bounce: "failed", error: "failed", retries_exhausted: "failed", suppressed: "failed", blocked: "failed" },
};

const event = z.object({ message_id: messageId, recipient: maybeMailbox });

const readReceipts = (webhook: DecodedWebhook) =>
  webhook.read(z.object({ events: z.array(z.looseObject({ kind: maybeText })) })).events.map((given) =>
    receipt(given.kind ?? "without a word", words, () => {
      const { message_id: id, recipient } = parseValue(event, given);
      return { id, recipient };
    }),
  );

function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html } = message;
  if (bcc.length > 0) throw new Failure("rejected", "CloudMailin sends no blind copies: write the email without bcc");
  // What stands in `from` is the envelope's.
  const own = { From: fromName && formatMailbox(from, fromName), "Reply-To": replyTo };
  return {
    ...{ from, to: [to], cc: cc.length > 0 ? cc : undefined },
    ...{ subject, plain: text, html },
    headers: { ...own, ...byName(outgoingHeadersWithBoth(message)) },
    attachments: filesOf(message).map(({ name, contentType, content }) => {
      return { file_name: name, content_type: contentType, content };
    }),
  };
}
