import { z } from "zod";
import { parseMessageIds } from "../../formats/mail-headers.ts";
import { outgoingHeadersWithoutId } from "../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../model.ts";
import { mailersendChecks } from "../checks/email/mailersend.ts";
import { atLeast, credentials, printable, secret } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeMailbox } from "../kit/email/mail-fields.ts";
import { openRaw, rawMail } from "../kit/email/mails.ts";
import { filesOf } from "../kit/email/outgoing.ts";
import { receipt, type StatusWords } from "../kit/events.ts";
import { at, listOf, maybe, maybeText, messageId, requiredText } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";
import { post, sentByHeader } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";

/**
 * MailerSend: inbound routes (https://developers.mailersend.com/api/v1/inbound.html), sending
 * (https://developers.mailersend.com/api/v1/email.html) and receipts (https://developers.mailersend.com/api/v1/webhooks.html).
 */
export const mailersend = defineProvider({
  label: "MailerSend",
  channel: "email",
  credentials: credentials({
    always: {
      inboundSecret: secret(
        "Secret of the inbound route",
        "The route shows it beside the URL it forwards to.",
        atLeast(8),
      ),
    },
    toSend: { apiToken: secret("API token", "Under Domains, API tokens: one that may do Email.", printable) },
    ifWanted: {
      webhookSecret: secret("Signing secret", "Of the webhook for receipts, which shows it.", atLeast(8)),
    },
  }),
  pasteAt:
    "an inbound route of the domain, to which it forwards; and a webhook of the domain for activity.sent, activity.delivered, activity.soft_bounced, activity.hard_bounced, activity.opened, activity.spam_complaint and activity.unsubscribed. Both make their secrets when they are made: give a URL of anybody's first, and change it then",
  notes: [
    "MailerSend posts an inbound mail **once**, and waits three seconds: what comes while the bridge is down is to be fetched there by hand.",
    "MailerSend gives each mail a Message-ID of its own, so ours follows the references: an answer finds its thread by them.",
    "`listUnsubscribe` needs a plan of MailerSend's with custom headers: with others it refuses the emails.",
    "Without `webhookSecret` receipts are refused.",
  ],
  receives: {
    contentTypes: ["application/json"],
    // https://developers.mailersend.com/api/v1/webhooks.html#security
    proof: hmac({
      source: inHeader("signature"),
      ...{ hash: "sha256", encoding: "hex", key: ({ inboundSecret, webhookSecret }) => [inboundSecret, webhookSecret] },
    }),
    read: (webhook) => (isMail(webhook) ? readMail(webhook) : readReceipt(webhook)),
    files: (webhook) => (isMail(webhook) ? openRaw(webhook.read(inbound).raw) : []),
  },
  sends: {
    request: (message, { apiToken }) =>
      post(
        "https://api.mailersend.com/v1/email",
        { accept: "application/json", ...bearer(apiToken) },
        compose(message),
      ),
    answer: {
      sent: (answer) => (warned.safeParse(answer.body).success ? undefined : sentByHeader(answer, "x-message-id")),
      refused: (body) => z.union([warned, refusal]).safeParse(body).data,
      refusesWithin200: true,
    },
    receiptsLackReference: true,
  },
  checks: mailersendChecks,
});

const kind = at("type", requiredText);
const isMail = (webhook: DecodedWebhook) => webhook.read(kind) === "inbound.message";

const box = z.object({ email: maybeText });
const inbound = at("data", {
  ...{ id: messageId, raw: z.string().min(1), sender: box.nullish() },
  recipients: z.object({ rcptTo: listOf(box) }),
  spf_check: maybe(at("code", maybeText)),
  dkim_check: maybe(z.boolean()),
});
/** https://www.rfc-editor.org/rfc/rfc7208#section-4.6.2 */
const spfWords: Record<string, string> = { "+": "pass", "-": "fail", "~": "softfail", "?": "neutral" };

function readMail(webhook: DecodedWebhook) {
  const { id, raw, sender, recipients, spf_check: spf, dkim_check: dkim } = webhook.read(inbound);
  const verdicts = { spf: spfWords[spf ?? ""], dkim: dkim ? "pass" : undefined };
  const to = recipients.rcptTo.map(({ email = "" }) => email);
  return rawMail(raw, { from: sender?.email, to, verdicts }, id);
}

/** After `activity.deferred` the email may still arrive. */
const words: StatusWords = {
  ...{ "activity.sent": "sent", "activity.delivered": "delivered", "activity.spam_complaint": "complained" },
  ...{ "activity.opened": "read", "activity.opened_unique": "read", "activity.unsubscribed": "unsubscribed" },
  ...{ "activity.soft_bounced": "failed", "activity.hard_bounced": "bounced" },
};

const activity = at("data", {
  email: z.object({ message: z.object({ id: messageId }), recipient: maybe(at("email", maybeMailbox)) }),
  morph: maybe(z.object({ reason: maybeText, readable_reason: maybeText })),
});

function readReceipt(webhook: DecodedWebhook) {
  const word = webhook.read(kind);
  return receipt(word, words, () => {
    const { email, morph } = webhook.read(activity);
    const message = morph?.readable_reason ?? morph?.reason;
    return { id: email.message.id, recipient: email.recipient, message };
  });
}

/** A mail that was taken and goes to nobody. */
const warned = z
  .object({
    warnings: z.array(
      z.object({ type: requiredText, recipients: listOf(z.object({ reasons: listOf(requiredText) })) }),
    ),
  })
  .transform(({ warnings }, context) => {
    const all = warnings.find(({ type }) => type === "ALL_SUPPRESSED");
    if (!all) context.addIssue("somebody gets it");
    const reasons = all?.recipients.flatMap((each) => each.reasons).join(", ") || "no reason is given";
    return { code: "ALL_SUPPRESSED", message: `all recipients are suppressed: ${reasons}` };
  });
const refusal = z
  .object({ message: requiredText, errors: z.record(z.string(), z.unknown()).optional() })
  .transform(({ message, errors = {} }) => ({ code: Object.keys(errors)[0] ?? "refused", message }));

function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html, inReplyTo } = message;
  const boxes = (addresses: string[]) => addresses.map((email) => ({ email }));
  const own = outgoingHeadersWithoutId(message);
  const references = own.find(({ name }) => name === "References")?.value;
  const headers = own.filter(({ name }) => name !== "References" && name !== "In-Reply-To");
  return {
    ...{ from: { email: from, name: fromName }, to: boxes([to]), cc: boxes(cc), bcc: boxes(bcc) },
    ...{ reply_to: replyTo ? { email: replyTo } : undefined, subject, text, html },
    ...{ in_reply_to: inReplyTo, references: parseMessageIds(references) },
    headers: headers.length > 0 ? headers : undefined,
    attachments: filesOf(message).map(({ name, content }) => {
      return { content, filename: name, disposition: "attachment" };
    }),
    settings: { track_clicks: false },
  };
}
