import { z } from "zod";
import { outgoingHeadersWithBoth } from "../../formats/outgoing-mail.ts";
import { parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage } from "../../model.ts";
import { mandrillChecks } from "../checks/email/mandrill.ts";
import { apiKey, atLeast, credentials, secret } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeMailbox } from "../kit/email/mail-fields.ts";
import { openOneOf, rawMails } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { receipt, type StatusWords } from "../kit/events.ts";
import { at, jsonText, maybe, maybeReference, maybeText, messageId, requiredText } from "../kit/fields.ts";
import { post } from "../kit/sends.ts";
import { hmac, inHeader } from "../kit/signatures.ts";

/**
 * Mandrill, which is Mailchimp Transactional: inbound routes (https://mailchimp.com/developer/transactional/docs/inbound-email/),
 * sending (https://mailchimp.com/developer/transactional/api/messages/send-new-message/) and receipts
 * (https://mailchimp.com/developer/transactional/docs/webhooks/).
 */
export const mandrill = defineProvider({
  label: "Mandrill",
  channel: "email",
  credentials: credentials({
    always: {
      inboundKey: secret(
        "Key of the inbound webhook",
        "Mandrill shows it for each webhook, under Settings, Webhooks; `POST /api/1.0/webhooks/list.json` has it as `auth_key`. Make the webhook first, and change its URL then.",
        atLeast(8),
      ),
    },
    toSend: { apiKey: apiKey("Under Settings, SMTP & API Info.") },
    ifWanted: {
      eventKey: secret("Key of the event webhook", "Where receipts come by a webhook with another key.", atLeast(8)),
    },
  }),
  pasteAt:
    "a route of the inbound domain, and a webhook for the events Message Is Sent, Delivered, Bounced, Soft-Bounced, Rejected, Opened, Marked As Spam and Unsubscribed. The URL must be exactly the `webhookUrl`: Mandrill signs it",
  notes: [
    "Mandrill signs the URL, by its name in `PUBLIC_URL`: what comes through another name or scheme is refused, and `refused` says which would fit.",
    "Opens come only when Mandrill tracks them.",
  ],
  receives: {
    contentTypes: ["application/x-www-form-urlencoded"],
    // https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/#authenticating-webhook-requests
    proof: hmac({
      source: inHeader("x-mandrill-signature", { over: "{url}{fields}" }),
      ...{ hash: "sha1", encoding: "base64", key: ({ inboundKey, eventKey }) => [inboundKey, eventKey] },
    }),
    read: async (webhook) => {
      const mails = handedIn(webhook);
      const receipts = webhook.read(events).flatMap((each) => (each.event === "inbound" ? [] : readReceipt(each)));
      return [...(mails.length > 0 ? await rawMails(mails) : []), ...receipts];
    },
    files: (webhook, id) => openOneOf(handedIn(webhook), id),
  },
  sends: {
    request: (message, { apiKey }) => {
      const url = "https://mandrillapp.com/api/1.0/messages/send.json";
      return post(url, { accept: "application/json" }, { key: apiKey, message: compose(message), async: false });
    },
    answer: {
      sent: ({ body }, { to }) => {
        const fates = answers.safeParse(body).data ?? [];
        const fate = fates.find(({ email }) => email.toLowerCase() === to.toLowerCase()) ?? fates[0];
        return fate?._id && isTaken(fate) ? { providerMessageId: fate._id } : undefined;
      },
      refused: (body) => {
        const fate = answers.safeParse(body).data?.find((each) => !isTaken(each));
        if (!fate) return refusal.safeParse(body).data;
        return { code: fate.status, message: fate.reject_reason ?? fate.status };
      },
      ...{ refusesWithin200: true, refusesWithin500: true },
    },
    // https://mailchimp.com/developer/transactional/docs/error-glossary/
    refusals: { Invalid_Key: "misconfigured", PaymentRequired: "misconfigured" },
  },
  checks: mandrillChecks,
});

const raw = z.object({
  ...{ raw_msg: z.string().min(1), email: maybeText },
  spf: maybe(at("result", maybeText)),
  dkim: maybe(z.object({ signed: z.boolean(), valid: z.boolean() })),
});
const dkimWord = ({ signed, valid }: { signed: boolean; valid: boolean }) =>
  (valid ? "pass" : signed && "fail") || "none";
const events = at("mandrill_events", jsonText(z.array(z.looseObject({ event: maybeText, type: maybeText })))).transform(
  (list) => list ?? [],
);
const handedIn = (webhook: DecodedWebhook) =>
  webhook.read(events).flatMap((each) => {
    if (each.event !== "inbound") return [];
    const { raw_msg, email, spf, dkim } = parseValue(at("msg", raw), each);
    return [{ raw: raw_msg, envelope: { to: email, verdicts: { spf, dkim: dkim && dkimWord(dkim) } } }];
  });

/** A `deferral` may still arrive. */
const words: StatusWords = {
  ...{ send: "sent", delivered: "delivered", open: "read", spam: "complained" },
  ...{ hard_bounce: "bounced", soft_bounce: "failed", reject: "failed", unsub: "unsubscribed" },
};

const told = at("msg", {
  ...{ _id: messageId, email: maybeMailbox, bounce_description: maybeText, diag: maybeText },
  metadata: maybe(at("bridge_message", maybeReference)),
  reject: maybe(z.union([requiredText, at("reason", maybeText)])),
});

function readReceipt(given: { event: string | undefined; type: string | undefined }) {
  const word = given.event ?? given.type ?? "without a word";
  return receipt(word, words, () => {
    const { _id: id, email: recipient, metadata, diag, bounce_description: kind, reject } = parseValue(told, given);
    const why = { code: kind, message: diag ?? kind ?? reject };
    const isOptedOut = word === "reject" && (reject === "unsub" || reject === "spam");
    return { id, reference: metadata, recipient, isOptedOut, ...why };
  });
}

const answers = z.array(
  z.object({ email: requiredText, status: requiredText, reject_reason: maybeText, _id: maybeText }),
);
const isTaken = ({ status }: { status: string }) => ["sent", "queued", "scheduled"].includes(status);
const refusal = z
  .object({ status: z.literal("error"), name: requiredText, message: requiredText })
  .transform(({ name, message }) => ({ code: name, message }));

function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html } = message;
  const boxes = { to: [to], cc, bcc };
  return {
    ...{ from_email: from, from_name: fromName, subject, text, html },
    to: Object.entries(boxes).flatMap(([type, addresses]) => addresses.map((email) => ({ email, type }))),
    headers: { ...byName(outgoingHeadersWithBoth(message)), ...(replyTo ? { "Reply-To": replyTo } : {}) },
    attachments: filesOf(message).map(({ name, contentType, content }) => ({ type: contentType, name, content })),
    metadata: { bridge_message: message.reference },
    // Else each recipient would see nobody but themselves; and links would be rewritten.
    ...{ preserve_recipients: true, track_clicks: false },
  };
}
