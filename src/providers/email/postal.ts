import { z } from "zod";
import { formatMailbox, outgoingHeadersWithoutId } from "../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../model.ts";
import { apiKey, credentials, httpUrl, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeMailbox, rfcMessageId } from "../kit/email/mail-fields.ts";
import { mimeIn, openRaw, rawMail } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { ignored, receipt, type StatusWords } from "../kit/events.ts";
import { at, maybeReference, maybeText, requiredText } from "../kit/fields.ts";
import { rsaKey } from "../kit/public-keys.ts";
import { answerOf, post, rfcMessageIdAt } from "../kit/sends.ts";
import { inHeader, publicKeySignature } from "../kit/signatures.ts";

/**
 * Postal, a mail server of one's own: HTTP endpoints (https://docs.postalserver.io/developer/http-payloads), sending
 * (https://docs.postalserver.io/developer/api) and webhooks (https://docs.postalserver.io/developer/webhooks).
 */
export const postal = defineProvider({
  label: "Postal",
  channel: "email",
  credentials: credentials({
    always: {
      publicKey: setting(
        "Signing key",
        "Of the installation: what follows `p=` in the answer to `postal default-dkim-record`, up to the semicolon.",
        rsaKey,
      ),
    },
    toSend: {
      serverUrl: setting("Server URL", "Where Postal's web interface is, as https://postal.example.com.", httpUrl),
      apiKey: apiKey("A credential of the type API, of the mail server."),
    },
  }),
  pasteAt:
    "an HTTP endpoint of the mail server (Routing, HTTP Endpoints) with the encoding _Sent in the body as JSON_ and the format _Raw message_, to which a route of the mailbox sends; and a webhook (Webhooks) for MessageSent, MessageDeliveryFailed, MessageBounced and MessageLoaded",
  notes: [
    "Postal 3.3 or newer: what older ones sign is not taken.",
    "The key signs for all organisations of the installation: whoever has another one there can post to the URL as well.",
    "Opens come only when Postal tracks them. Postal tells that the person's server took an email, and no more.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: publicKeySignature({
      source: inHeader("x-postal-signature-256"),
      ...{ type: "rsa", hash: "sha256", key: ({ publicKey }) => publicKey },
    }),
    // A 4xx bounces the mail: https://github.com/postalserver/postal/blob/main/app/senders/http_sender.rb
    refusedWith: 503,
    read: (webhook) => (isEvent(webhook) ? readReceipt(webhook) : readMail(webhook)),
    files: (webhook) => (isEvent(webhook) ? [] : openRaw(rawOf(webhook.read(inbound)))),
  },
  sends: {
    request: (message, { serverUrl, apiKey }) => {
      const url = `${serverUrl.replace(/\/+$/, "")}/api/v1/send/message`;
      return post(url, { accept: "application/json", "x-server-api-key": apiKey }, compose(message));
    },
    answer: answerOf({
      ...rfcMessageIdAt("data.message_id"),
      refused: z
        .object({
          status: z.enum(["error", "parameter-error"]),
          data: z.object({ code: maybeText, message: requiredText }),
        })
        .transform(({ status, data }) => ({ code: data.code ?? status, message: data.message })),
      refusesWithin200: true,
    }),
    refusals: { InvalidServerAPIKey: "misconfigured", AccessDenied: "misconfigured", ServerSuspended: "misconfigured" },
  },
});

const isEvent = (webhook: DecodedWebhook) => webhook.read(z.object({ event: maybeText })).event !== undefined;

const inbound = z.object({
  ...{ rcpt_to: maybeText, mail_from: z.string().nullish(), message: z.string().min(1) },
  base64: z.boolean().nullish(),
});
const rawOf = ({ message, base64 }: z.infer<typeof inbound>) => mimeIn(message, base64);

/** Not by Postal's own id of it: that begins anew with a new installation. */
function readMail(webhook: DecodedWebhook) {
  const mail = webhook.read(inbound);
  return rawMail(rawOf(mail), { from: mail.mail_from, to: mail.rcpt_to });
}

/** A `MessageDelayed` or `MessageHeld` may still arrive. */
const words: StatusWords = {
  ...{ MessageSent: "delivered", MessageLoaded: "read" },
  ...{ MessageDeliveryFailed: "failed", MessageBounced: "failed" },
};

const message = z.object({
  ...{ message_id: rfcMessageId, to: maybeMailbox, direction: maybeText },
  tag: maybeReference,
});
const event = z.object({ event: requiredText, payload: z.object({ details: maybeText, output: maybeText }) });

function readReceipt(webhook: DecodedWebhook) {
  const { event: word, payload } = webhook.read(event);
  const about = () =>
    webhook.read(at(`payload.${word === "MessageBounced" ? "original_message" : "message"}`, message));
  if (Object.hasOwn(words, word) && about().direction === "incoming") {
    return ignored(`event ${word}: of a mail that came in`);
  }
  return receipt(word, words, () => {
    const { message_id: id, to: recipient, tag } = about();
    const why = payload.details ?? payload.output ?? (word === "MessageBounced" ? "the email came back" : word);
    return { id, reference: tag, recipient, message: why };
  });
}

/** https://docs.postalserver.io/developer/api */
function compose(outbound: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html } = outbound;
  return {
    ...{ to: [to], cc, bcc, from: formatMailbox(from, fromName), reply_to: replyTo, subject },
    ...{ plain_body: text, html_body: html, tag: outbound.reference },
    // Postal gives each email a Message-ID of its own, and says it in the answer.
    headers: byName(outgoingHeadersWithoutId(outbound)),
    attachments: filesOf(outbound).map(({ name, contentType, content }) => {
      return { name, content_type: contentType, data: content };
    }),
  };
}
