import { z } from "zod";
import { formatMailbox, outgoingHeaders } from "../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../model.ts";
import { apiKey, atLeast, credentials, secret } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { openRaw, rawMail } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { at, listOf, maybe, maybeText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";
import { answerOf, post, refusalAt, rfcMessageIdAt } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";

/**
 * Forward Email: mail by webhook (https://forwardemail.net/en/faq#do-you-support-webhooks) and sending
 * (https://forwardemail.net/en/email-api#create-outbound-smtp-email). It posts no receipts: its reports come as mail.
 */
export const forwardemail = defineProvider({
  label: "Forward Email",
  channel: "email",
  credentials: credentials({
    always: {
      webhookKey: secret(
        "Webhook signature key",
        "Of the domain (Advanced settings). Without one Forward Email signs nothing.",
        atLeast(8),
      ),
    },
    toSend: {
      apiKey: apiKey("Of the account (My Account, Security), which has outbound SMTP for the domain."),
    },
  }),
  pasteAt:
    "an alias of the domain as what it forwards to, with `?attachments=false` behind it: the files are in the raw mail, and would come twice",
  notes: [
    "The raw mail comes as text: of mail that is neither ASCII nor UTF-8 and not encoded, Forward Email has lost the signs beyond ASCII.",
    "Receipts are reports by mail, of delivery and of complaints, which come to the mailbox that sent: it must be mapped, and its alias forward to the bridge.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: hmac({
      source: inHeader("x-webhook-signature"),
      ...{ hash: "sha256", encoding: "hex", key: ({ webhookKey }) => webhookKey },
    }),
    // The sender's server waits: what is deferred comes again, and what is refused goes back as a bounce.
    refusedWith: 503,
    read: readMail,
    files: (webhook) => openRaw(rawOf(webhook)),
  },
  sends: {
    request: (message, { apiKey }) =>
      post(
        "https://api.forwardemail.net/v1/emails",
        { accept: "application/json", ...basic(apiKey, "") },
        compose(message),
      ),
    answer: answerOf({
      ...rfcMessageIdAt("messageId"),
      refused: refusalAt({ code: "statusCode", message: "message" }),
    }),
    receiptsLackReference: true,
  },
});

const judged = maybe(at("status.result", maybeText));
const inbound = z.object({
  raw: z.string().min(1),
  recipients: listOf(z.string()),
  session: z.object({ sender: z.string().nullish(), recipient: maybeText }).optional(),
  // As mailauth writes it: https://github.com/postalsys/mailauth#authentication
  ...{ spf: judged, dmarc: judged },
  dkim: maybe(at("results", listOf(judged))),
});

const rawOf = (webhook: DecodedWebhook) => Buffer.from(webhook.read(inbound).raw);

function readMail(webhook: DecodedWebhook) {
  const { recipients, session, spf, dkim, dmarc } = webhook.read(inbound);
  const to = recipients.length > 0 ? recipients : session?.recipient;
  const verdicts = {
    ...{ spf, dmarc },
    dkim: dkim?.find((word) => word === "pass") ?? dkim?.[0],
  };
  return rawMail(rawOf(webhook), { from: session?.sender, to, verdicts });
}

/** nodemailer's fields, which it hands on: https://nodemailer.com/message */
function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html } = message;
  const {
    "Message-ID": messageId,
    "In-Reply-To": inReplyTo,
    References: references,
    ...headers
  } = byName(outgoingHeaders(message));
  return {
    ...{ from: formatMailbox(from, fromName), to: [to], cc, bcc, replyTo, subject, text, html },
    ...{ messageId, inReplyTo, references, headers: Object.keys(headers).length > 0 ? headers : undefined },
    dsn: { return: "headers", notify: ["success", "failure"] },
    attachments: filesOf(message).map(({ name, ...file }) => ({ filename: name, ...file, encoding: "base64" })),
  };
}
