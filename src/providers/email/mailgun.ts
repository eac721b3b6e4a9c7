import { z } from "zod";
import { formatMailbox, outgoingHeaders, requireContent } from "../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../model.ts";
import { mailgunChecks } from "../checks/mailgun.ts";
import { apiKey, atLeast, choice, credentials, domainName, secret, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeMailbox, rfcMessageId } from "../kit/email/mail-fields.ts";
import { receipt, type StatusWords } from "../kit/events.ts";
import { at, code, maybe, maybeReference, maybeText, messageId, requiredText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";
import { answerOf, post, refusalAt, rfcMessageIdAt } from "../kit/sends.ts";
import { hmac, inBody } from "../kit/signatures.ts";
import { openFiles, readMail } from "./mailgun/read-mail.ts";

/**
 * Mailgun: routes that post a mail to a URL, by `forward` or `store(notify=…)`
 * (https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http), in the form that Mailgun
 * parsed or the raw one, which it posts to URLs that end in `mime`; sending
 * (https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages) and receipts
 * (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads).
 */
export const mailgun = defineProvider({
  label: "Mailgun",
  channel: "email",
  credentials: credentials({
    always: {
      signingKey: secret("HTTP webhook signing key", "In Mailgun's settings, on the page API security.", atLeast(16)),
    },
    toSend: {
      apiKey: apiKey("The domain's sending key. To open the files of a route that stores, the account's."),
      domain: setting("Domain", "The domain that sends, as Mailgun lists it.", domainName),
    },
    ifWanted: { region: choice("Region", "Where the domain is kept; us where it is not given.", ["us", "eu"]) },
  }),
  pasteAt:
    'a route: `forward("<webhookUrl>")`, and the domain\'s webhooks for delivered, permanent failure, complained, unsubscribed and opened',
  notes: ["Mailgun signs a timestamp and a token, not the mail: use https. Opens come only when Mailgun tracks them."],
  receives: {
    contentTypes: ["multipart/form-data", "application/x-www-form-urlencoded", "application/json"],
    // All three are in the body, and nothing else of it is signed: TLS alone protects it, and a token counts once. Mailgun
    // does not say whether a retry is signed anew: under its first timestamp the last one comes eight hours later.
    // https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    proof: hmac({
      source: inBody("signature", (webhook) => {
        const found = readSignature(webhook);
        return { ...found, signed: [found.timestamp, found.token], maxAgeSeconds: 9 * 3600 };
      }),
      ...{ hash: "sha256", encoding: "hex", key: ({ signingKey }) => signingKey },
    }),
    nonce: (webhook) => readSignature(webhook).token,
    // Mailgun has no id of its own for a mail. A retry has the same Message-ID; the rare mail without one, its token.
    read: (webhook) => (webhook.isJson ? readReceipt(webhook) : readMail(webhook, () => readSignature(webhook).token)),
    files: (webhook) => (webhook.isJson ? [] : openFiles(webhook)),
  },
  sends: {
    // https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages
    request: (message, { apiKey, domain, region }) => {
      const host = region === "eu" ? "api.eu.mailgun.net" : "api.mailgun.net";
      return post(`https://${host}/v3/${domain}/messages`, basic("api", apiKey), compose(message));
    },
    answer: answerOf({
      ...rfcMessageIdAt("id"),
      // With words and no code: https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview
      refused: refusalAt({ message: "message" }),
    }),
  },
  media: {
    // A stored file is where its mail was taken in, such as storage-europe-west1.api.mailgun.net or storage.eu.mailgun.net.
    hosts: [".mailgun.net"],
    // The fields that name a file are not signed: so only files, and only of the mapping's own domain.
    path: ({ domain }) => domain && `/v3/domains/${domain}/messages/{id}/attachments/{id}`,
    headers: ({ apiKey }) => basic("api", apiKey),
  },
  checks: mailgunChecks,
});

const signature = z.object({ timestamp: z.coerce.string(), token: messageId, signature: z.string().min(1) });
const readSignature = (from: DecodedWebhook) => from.read(from.isJson ? at("signature", signature) : signature);

/** Events that tell what became of an email. A `temporary failure` does not: Mailgun tries again. */
const words: StatusWords = {
  ...{ delivered: "delivered", opened: "read", complained: "complained" },
  ...{ "permanent failure": "failed", "permanent bounce": "bounced", rejected: "failed", unsubscribed: "unsubscribed" },
};

const kind = at("event-data", {
  ...{ event: requiredText, severity: maybeText.catch(undefined), reason: maybeText.catch(undefined) },
});
/** Why a permanent failure is one for good: https://documentation.mailgun.com/docs/mailgun/user-manual/events/events */
const bounces = ["bounce", "suppress-bounce"];
const status = z.object({ code: code.nullish(), message: maybeText, description: maybeText });
const event = at("event-data", {
  ...{ recipient: maybeMailbox, message: at("headers.message-id", rfcMessageId) },
  ...{ "user-variables": maybe(at("message", maybeReference)), "delivery-status": maybe(status) },
  ...{ reason: maybeText, reject: maybe(at("reason", maybeText)) },
});

function readReceipt(webhook: DecodedWebhook) {
  const { event: name, severity, reason: why } = webhook.read(kind);
  const isBounce = severity === "permanent" && bounces.includes(why ?? "");
  const failure = isBounce ? "permanent bounce" : `${severity} failure`;
  return receipt(name === "failed" ? failure : name, words, () => {
    const { recipient, reason, reject, ...data } = webhook.read(event);
    const { code: given, message, description } = data["delivery-status"] ?? {};
    return {
      ...{ id: data.message, reference: data["user-variables"] },
      ...{ recipient, code: String(given ?? reason ?? name) },
      message: message ?? description ?? reject ?? reason ?? name,
    };
  });
}

/** Of a header's field name Mailgun takes what follows `h:`. What is in `v:` comes back in receipts, and goes to the person as well. */
function compose(message: OutboundMessage): FormData {
  const { to, cc, bcc, subject, text: plain, html, replyTo, reference: ours } = message;
  const form = new FormData();
  const addresses = { from: formatMailbox(message.from, message.fromName), to, cc: cc.join(", "), bcc: bcc.join(", ") };
  const own = Object.fromEntries(outgoingHeaders(message).map(({ name, value }) => [`h:${name}`, value]));
  const fields = { ...addresses, subject, text: plain, html, "h:Reply-To": replyTo, ...own, "v:message": ours };
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  for (const file of message.attachments) {
    const blob = new Blob([new Uint8Array(requireContent(file))], { type: file.contentType });
    form.append("attachment", blob, file.name);
  }
  return form;
}
