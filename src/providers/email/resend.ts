import { z } from "zod";
import { parseContentId } from "../../formats/mime.ts";
import { formatMailbox, outgoingHeadersWithoutId } from "../../formats/outgoing-mail.ts";
import { decodeJson, parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage } from "../../model.ts";
import { resendChecks } from "../checks/email/resend.ts";
import { apiKey, credentials, secret } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { headersByName, rfcMessageId } from "../kit/email/mail-fields.ts";
import { asHeaders, mailOfParts } from "../kit/email/mail-parts.ts";
import { addressesIn, type Envelope, openRaw, rawMail } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { ignored, incompleteMail, receipt, type StatusWords } from "../kit/events.ts";
import { at, listOf, mailbox, maybe, maybeReference, maybeText, requiredText } from "../kit/fields.ts";
import { bearer } from "../kit/proofs.ts";
import { answerOf, idAt, post, refusalAt } from "../kit/sends.ts";
import { standardWebhooks, webhookSecret } from "../kit/standard-webhooks.ts";

const api = "https://api.resend.com";
/** Of what Resend keeps, by links for an hour. */
const cdn = [".resend.com", ".resend.app"];

/**
 * Resend: a webhook names a mail, which is fetched (https://resend.com/docs/dashboard/receiving/introduction); sending
 * (https://resend.com/docs/api-reference/emails/send-email) and receipts (https://resend.com/docs/dashboard/webhooks/event-types).
 */
export const resend = defineProvider({
  label: "Resend",
  channel: "email",
  credentials: credentials({
    always: {
      signingSecret: secret("Signing secret", "On the webhook's page: it begins with whsec_.", webhookSecret),
    },
    toSend: {
      apiKey: apiKey("On the page API keys, with full access: one that may only send opens no mail that comes in."),
    },
  }),
  pasteAt:
    "the page Webhooks, with the events email.received, email.sent, email.delivered, email.bounced, email.complained, email.failed and email.suppressed; and email.opened where opens are tracked",
  notes: [
    "A webhook only names a mail. The bridge fetches it with the API key: without one, nothing that comes in is read.",
    "The domain must receive, too: add the MX record that Resend shows on the domain's page.",
    "Resend gives each email a Message-ID of its own, and tells it by its events: without email.sent, some answers open a thread of their own.",
    "Files go out under their names alone: where a name and a type disagree, Resend loses the email.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: standardWebhooks({ key: ({ signingSecret }) => signingSecret, names: "svix" }),
    isReferenceSigned: true,
    read,
    files: ({ fetched }) => (fetched && !isFields(fetched) ? openRaw(fetched) : []),
    // https://resend.com/docs/api-reference/emails/retrieve-received-email
    completion: {
      request: (id, { apiKey }) => ({ url: `${api}/emails/receiving/${id}?html_format=cid`, headers: bearer(apiKey) }),
      located: { at: (answer) => place.safeParse(answer).data, hosts: cdn },
    },
  },
  sends: {
    request: (message, { apiKey }) => {
      // Of the Message-ID as well: another database would begin with the same references.
      const key = [message.rfcMessageId, message.reference].filter(Boolean).join("/");
      return post(`${api}/emails`, { ...bearer(apiKey), "idempotency-key": key }, compose(message));
    },
    answer: answerOf({ ...idAt("id"), refused: refusalAt({ code: "name", message: "message" }) }),
    // https://resend.com/docs/api-reference/errors
    refusals: {
      ...{ missing_api_key: "misconfigured", invalid_api_key: "misconfigured", restricted_api_key: "misconfigured" },
      ...{ concurrent_idempotent_requests: "throttled", rate_limit_exceeded: "throttled" },
      ...{ daily_quota_exceeded: "throttled", monthly_quota_exceeded: "throttled" },
    },
    // For 24 hours: https://resend.com/docs/dashboard/emails/idempotency-keys
    isIdempotent: true,
  },
  // Of a mail that Resend keeps no longer as it came.
  media: {
    hosts: ["api.resend.com"],
    path: ({ apiKey }) => apiKey && "/emails/receiving/{id}/attachments/{id}",
    located: { at: (answer) => link.safeParse(answer).data, hosts: cdn },
    headers: ({ apiKey }) => bearer(apiKey),
  },
  checks: resendChecks,
});

const link = at("download_url", requiredText);
const place = at("raw", link);

const kind = z.object({ type: requiredText });
const id = requiredText.refine((value) => /^[\w-]{1,100}$/.test(value), "is not an id of Resend's");
const named = at("data", {
  ...{ email_id: id, from: mailbox, to: listOf(z.string()), cc: listOf(z.string()), bcc: listOf(z.string()) },
  received_for: listOf(z.string()),
});

function read(webhook: DecodedWebhook) {
  const { type } = webhook.read(kind);
  if (type === "email.received") return webhook.fetched ? readMail(webhook, webhook.fetched) : readNamed(webhook);
  const word = /^email\.(\w+)$/.exec(type)?.[1];
  return word === undefined ? ignored(`event ${type}: says nothing that is bridged`) : readReceipt(webhook, word);
}

function readNamed(webhook: DecodedWebhook) {
  const { email_id, from, to, cc, bcc, received_for } = webhook.read(named);
  const who = { to: addressesIn([to, cc, bcc].flat()), envelopeTo: addressesIn(received_for) };
  return incompleteMail(email_id, email_id, { from: from.address, ...who });
}

function readMail(webhook: DecodedWebhook, fetched: Buffer) {
  const { email_id, received_for: to } = webhook.read(named);
  return isFields(fetched) ? readFields(email_id, fetched, { to }) : rawMail(fetched, { to }, email_id);
}

/** Resend's own reading of a mail is JSON; a header cannot begin so. */
const isFields = (fetched: Buffer) => fetched[0] === 0x7b;

const header = z.object({ name: z.string(), value: z.string() });
const fields = z.object({
  ...{ from: maybeText, to: listOf(z.string()), cc: listOf(z.string()), bcc: listOf(z.string()) },
  ...{ reply_to: listOf(z.string()), subject: maybeText, text: maybeText, html: maybeText, message_id: maybeText },
  headers: maybe(z.union([z.array(header), headersByName])),
  attachments: listOf(
    z.object({ id, filename: maybeText, content_type: maybeText, content_id: maybeText, size: z.number().optional() }),
  ),
});

function readFields(emailId: string, fetched: Buffer, envelope: Envelope) {
  const { reply_to, message_id, headers = [], attachments, ...parts } = parseValue(fields, decodeJson(fetched));
  const own = asHeaders({ "Message-ID": message_id, "Reply-To": reply_to });
  const files = attachments.map(({ id: fileId, filename, content_type, content_id, size }) => ({
    url: `${api}/emails/receiving/${emailId}/attachments/${fileId}`,
    ...{ name: filename, contentType: content_type, contentId: parseContentId(content_id), sizeBytes: size },
  }));
  return mailOfParts({ ...parts, headers: [...headers, ...own], files, envelope }, emailId);
}

const words: StatusWords = {
  ...{ sent: "sent", delivered: "delivered", opened: "read", clicked: "read", complained: "complained" },
  ...{ bounced: "failed", "bounced for good": "bounced", failed: "failed", suppressed: "failed" },
};

const event = at("data", {
  ...{ email_id: id, message_id: maybe(rfcMessageId), tags: maybe(at("reference", maybeReference)) },
  bounce: maybe(z.object({ message: maybeText, type: maybeText, subType: maybeText })),
  ...{ failed: maybe(at("reason", maybeText)), suppressed: maybe(z.object({ message: maybeText, type: maybeText })) },
});

const bounceType = at("data", { bounce: maybe(at("type", maybeText)) });

function readReceipt(webhook: DecodedWebhook, word: string) {
  const isGone = word === "bounced" && webhook.read(bounceType).bounce === "Permanent";
  return receipt(isGone ? "bounced for good" : word, words, () => {
    const { email_id, message_id, tags, bounce, failed, suppressed } = webhook.read(event);
    const code = bounce?.type ?? suppressed?.type;
    return {
      ...{ id: email_id, reference: tags, rfcMessageId: message_id },
      ...(code ? { code: [code, bounce?.subType].filter(Boolean).join(" ") } : {}),
      message: bounce?.message ?? suppressed?.message ?? failed,
    };
  });
}

function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html, reference: ours } = message;
  return {
    ...{ from: formatMailbox(from, fromName), to: [to], cc, bcc, reply_to: replyTo, subject, text, html },
    ...{ headers: byName(outgoingHeadersWithoutId(message)), tags: [{ name: "reference", value: ours }] },
    attachments: filesOf(message).map(({ name, content }) => ({ filename: name, content })),
  };
}
