import { z } from "zod";
import { outgoingHeaders } from "../../formats/outgoing-mail.ts";
import { parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage, WebhookRequest } from "../../model.ts";
import { hostOf, sendgridChecks } from "../checks/email/sendgrid.ts";
import { apiKey, choice, credentials, setting, urlLogin } from "../kit/credentials.ts";
import { type DecodedWebhook, isOfType } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeMailbox } from "../kit/email/mail-fields.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { ignored, receipt, type StatusWords } from "../kit/events.ts";
import { maybeReference, maybeText, messageId } from "../kit/fields.ts";
import { bearer, byUrlLogin, type Proof } from "../kit/proofs.ts";
import { ecKey } from "../kit/public-keys.ts";
import { post, refusalAt, sentByHeader } from "../kit/sends.ts";
import { inHeader, publicKeySignature } from "../kit/signatures.ts";
import { openFiles, readMail } from "./sendgrid/read-mail.ts";

/**
 * SendGrid: Inbound Parse, raw or taken apart (https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook),
 * sending (https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send) and receipts
 * (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event).
 */
export const sendgrid = defineProvider({
  label: "SendGrid",
  channel: "email",
  credentials: credentials({
    always: urlLogin,
    toSend: { apiKey: apiKey("Under Settings, API Keys: one that may do Mail Send.") },
    ifWanted: {
      eventKey: setting(
        "Verification key",
        "Of the event webhook, in its settings under Security features, Signed Event Webhook. With it receipts count only by their signature.",
        ecKey,
      ),
      inboundKey: setting(
        "Public key of inbound mail",
        "Of the security policy that is attached to the Inbound Parse setting. With it mail counts only by its signature.",
        ecKey,
      ),
      region: choice("Region", "Where the account, or the subuser, is kept; global where it is not given.", [
        "global",
        "eu",
      ]),
    },
  }),
  pasteAt:
    "an Inbound Parse setting of the domain that receives, with _POST the raw, full MIME message_ on, and an event webhook (Settings, Mail Settings) for Processed, Delivered, Opened, Bounced, Dropped, Spam Reports and Unsubscribed. The URL holds the credentials, which prove what is not signed; it is shown whole only in the answer to who set them",
  notes: [
    "Without raw messages SendGrid takes a mail apart itself, and garbles some files' names.",
    "Opens come only when SendGrid tracks them; those by machines count as none.",
    "SendGrid throws a mail away that is answered 4xx: what does not verify is answered 503, and comes again for three days. Mind what `refused` says.",
  ],
  receives: {
    contentTypes: ["multipart/form-data", "application/json"],
    ...{ proof: proof(), pastedUrl: byUrlLogin.pastedUrl },
    // https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
    refusedWith: 503,
    read: (webhook) => (webhook.isJson ? readReceipts(webhook) : readMail(webhook)),
    files: (webhook) => (webhook.isJson ? [] : openFiles(webhook)),
  },
  sends: {
    request: (message, given) => post(`https://${hostOf(given)}/v3/mail/send`, bearer(given.apiKey), compose(message)),
    answer: {
      sent: (answer) => sentByHeader(answer, "x-message-id"),
      refused: (body) => refusal.safeParse(body).data,
    },
  },
  checks: sendgridChecks,
});

interface Keys {
  username: string;
  password: string;
  eventKey?: string | undefined;
  inboundKey?: string | undefined;
}

/**
 * Receipts are JSON, and mails are not: each is signed by a key of its own, where one is set. Nobody knows whether what comes
 * again is signed anew; it comes for three days.
 */
function proof(): Proof<Keys> {
  const name = "x-twilio-email-event-webhook";
  const place = { timestamp: `${name}-timestamp`, over: "{timestamp}{body}", maxAgeSeconds: 73 * 3600 };
  const source = inHeader(`${name}-signature`, place);
  const signed = publicKeySignature<string>({ source, type: "ec", hash: "sha256", key: (key) => key });
  const keyOf = (request: WebhookRequest, { eventKey, inboundKey }: Keys) =>
    isOfType(request, "application/json") ? eventKey : inboundKey;
  return {
    headers: [],
    secrets: ["authorization", `${name}-signature`],
    check(request, given, decode) {
      const key = keyOf(request, given);
      return key ? signed.check(request, key, decode) : byUrlLogin.proof.check(request, given, decode);
    },
    begin(request, given) {
      const key = keyOf(request, given);
      return key ? signed.begin?.(request, key) : undefined;
    },
    signedAt: async ({ headers }) => headers[place.timestamp],
  };
}

/** A `deferred` email may still arrive; a click says nothing that is passed on. */
const words: StatusWords = {
  ...{ processed: "sent", delivered: "delivered", open: "read", spamreport: "complained" },
  ...{ bounce: "failed", "Invalid Address": "bounced", dropped: "failed" },
  ...{ unsubscribe: "unsubscribed", group_unsubscribe: "unsubscribed", group_resubscribe: "resubscribed" },
};

/** Why SendGrid dropped it: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#dropped */
const wishes = new Set(["Unsubscribed Address", "Spam Reporting Address"]);

const kind = z.object({
  ...{ event: maybeText, sg_machine_open: z.unknown().optional() },
  bounce_classification: maybeText.catch(undefined),
});
const event = z.object({
  // What follows the first dot tells SendGrid's machines apart, and the answer to the send has not got it.
  sg_message_id: messageId.transform((id) => id.replace(/\..*/s, "")).pipe(messageId),
  ...{ email: maybeMailbox, reason: maybeText, response: maybeText, status: maybeText },
  bridge_message: maybeReference,
});

const readReceipts = (webhook: DecodedWebhook) => webhook.read(z.array(z.unknown())).map(readReceipt);

function readReceipt(given: unknown) {
  const { event: name = "without a word", sg_machine_open: isMachine, ...rest } = parseValue(kind, given);
  const isGone = name === "bounce" && rest.bounce_classification === "Invalid Address";
  const word = isGone ? "Invalid Address" : name;
  if (word === "open" && isMachine === true) return ignored("status open: by a machine, which nobody reads");
  return receipt(word, words, () => {
    const { sg_message_id: id, bridge_message: ours, email: recipient, ...said } = parseValue(event, given);
    const why = said.reason ?? said.response ?? word;
    const isOptedOut = word === "dropped" && wishes.has(why);
    const facts = { id, reference: ours, recipient, isOptedOut };
    return { ...facts, code: said.status ?? word, message: why };
  });
}

const refusal = refusalAt({ message: "errors.0.message", code: "errors.0.field" });

/** https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send */
function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text: plain, html } = message;
  const boxes = (addresses: string[]) => (addresses.length > 0 ? addresses.map((email) => ({ email })) : undefined);
  const parts = [
    { type: "text/plain", value: plain },
    { type: "text/html", value: html },
  ].filter(({ value }) => value);
  const files = filesOf(message).map(({ name, contentType, content }) => {
    return { content, type: contentType, filename: name };
  });
  // Files alone are refused.
  const blank = files.length > 0 ? [{ type: "text/plain", value: " " }] : undefined;
  return {
    personalizations: [
      {
        ...{ to: boxes([to]), cc: boxes(cc), bcc: boxes(bcc) },
        custom_args: { bridge_message: message.reference },
      },
    ],
    ...{ from: { email: from, name: fromName }, reply_to: replyTo ? { email: replyTo } : undefined, subject },
    content: parts.length > 0 ? parts : blank,
    ...{ attachments: files.length > 0 ? files : undefined, headers: byName(outgoingHeaders(message)) },
    // It would rewrite the links.
    tracking_settings: { click_tracking: { enable: false } },
  };
}
