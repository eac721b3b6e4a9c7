import { z } from "zod";
import { outgoingHeadersWithBoth } from "../../formats/outgoing-mail.ts";
import { parseValue } from "../../formats/parse-value.ts";
import type { OutboundMessage } from "../../model.ts";
import { hostOf, sparkpostChecks } from "../checks/email/sparkpost.ts";
import { apiKey, atLeast, choice, credentials, secret, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { maybeMailbox } from "../kit/email/mail-fields.ts";
import { mimeIn, openOneOf, rawMails } from "../kit/email/mails.ts";
import { byName, filesOf } from "../kit/email/outgoing.ts";
import { ignored, receipt, type StatusWords } from "../kit/events.ts";
import { at, code, maybe, maybeReference, maybeText, messageId, requiredText } from "../kit/fields.ts";
import { anyProof, basicAuth, token } from "../kit/proofs.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";

/**
 * SparkPost: relay webhooks (https://developers.sparkpost.com/api/relay-webhooks/), transmissions
 * (https://developers.sparkpost.com/api/transmissions/) and event webhooks (https://developers.sparkpost.com/api/webhooks/).
 */
export const sparkpost = defineProvider({
  label: "SparkPost",
  channel: "email",
  credentials: credentials({
    always: {
      username: setting(
        "User name",
        "Of your choice: the event webhook's, for its Basic authentication.",
        shape(/^[^:\s]+$/, "must not be empty, and hold no colon and no space"),
      ),
      password: secret(
        "Password",
        "Of your choice, as `openssl rand -hex 24` makes one: the event webhook's for its Basic authentication, and the relay webhook's `auth_token`.",
        atLeast(16),
      ),
    },
    toSend: { apiKey: apiKey("One that may do Transmissions: Read/Write.") },
    ifWanted: { region: choice("Region", "Where the account is; us where it is not given.", ["us", "eu"]) },
  }),
  pasteAt:
    "a relay webhook (`POST /api/v1/relay-webhooks`) as its `target`, with the password as its `auth_token` and the inbound domain as its `match`; and an event webhook (Configuration, Webhooks) with Basic authentication by the user name and password, for the events Injection, Delivery, Bounce, Out of Band, Policy Rejection, Generation Failure, Generation Rejection, Spam Complaint, List Unsubscribe, Link Unsubscribe and Open",
  notes: [
    "SparkPost signs nothing: use https, and a password that nobody guesses.",
    "Opens come only when SparkPost tracks them. What stands in double braces is sent as it is written.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: anyProof<{ username: string; password: string }>(
      token({ header: "x-messagesystems-webhook-token", key: ({ password }) => password }),
      basicAuth({ pair: ({ username, password }) => [username, password] }),
    ),
    read: async (webhook) => {
      const mails = handedIn(webhook);
      const receipts = entriesIn(webhook).flatMap(([name, given]) => (name === relay ? [] : readReceipt(given)));
      return [...(mails.length > 0 ? await rawMails(mails) : []), ...receipts];
    },
    files: (webhook, id) => openOneOf(handedIn(webhook), id),
  },
  sends: {
    request: (message, given) =>
      post(`https://${hostOf(given)}/api/v1/transmissions`, { authorization: given.apiKey }, compose(message)),
    answer: answerOf({
      ...idAt("results.id"),
      refused: z
        .object({
          errors: z.tuple(
            [z.object({ message: requiredText, description: maybeText, code: code.optional() })],
            z.unknown(),
          ),
        })
        .transform(({ errors: [{ message, description, code: given }] }) => {
          return { code: given ?? "refused", message: [message, description].filter(Boolean).join(": ") };
        }),
    }),
  },
  checks: sparkpostChecks,
});

/** Each entry has one name, which says what it is; a question whether the URL answers has none. */
const entries = z.array(z.object({ msys: z.record(z.string(), z.unknown()) }));
const entriesIn = (webhook: DecodedWebhook) => webhook.read(entries).flatMap(({ msys }) => Object.entries(msys));
const relay = "relay_message";
const relayed = z.object({
  ...{ msg_from: z.string().optional(), rcpt_to: maybeText },
  content: z.object({ email_rfc822: z.string().min(1), email_rfc822_is_base64: z.boolean().nullish() }),
});

const handedIn = (webhook: DecodedWebhook) =>
  entriesIn(webhook).flatMap(([name, given]) => {
    if (name !== relay) return [];
    const { msg_from: from, rcpt_to: to, content } = parseValue(relayed, given);
    const { email_rfc822: raw, email_rfc822_is_base64: isBase64 } = content;
    return [{ raw: mimeIn(raw, isBase64), envelope: { from, to } }];
  });

/** After a `delay` the email may still arrive. */
const words: StatusWords = {
  ...{ injection: "sent", delivery: "delivered", spam_complaint: "complained" },
  ...{ open: "read", initial_open: "read", amp_open: "read", amp_initial_open: "read" },
  ...{ bounce: "failed", out_of_band: "failed", policy_rejection: "failed" },
  ...{ "no such address": "bounced", list_unsubscribe: "unsubscribed", link_unsubscribe: "unsubscribed" },
  ...{ generation_failure: "failed", generation_rejection: "failed" },
};

/** Classes of bounces that are answers: https://support.sparkpost.com/docs/deliverability/bounce-classification-codes */
const answered = new Set(["60", "80", "100"]);
const isGone = new Set(["10", "30"]);
const unsubscribed = "90";

const kind = z.object({ type: maybeText, bounce_class: maybe(code) });
const event = z.object({
  ...{ transmission_id: code.pipe(messageId), rcpt_to: maybeMailbox, raw_rcpt_to: maybeMailbox },
  ...{ reason: maybeText, raw_reason: maybeText, error_code: maybe(code) },
  rcpt_meta: maybe(at("bridge_message", maybeReference)),
});

function readReceipt(given: unknown) {
  const { type = "without a word", bounce_class: bounceClass } = parseValue(kind, given);
  const isBounce = type === "bounce" || type === "out_of_band";
  const word = isBounce && isGone.has(bounceClass ?? "") ? "no such address" : type;
  if (isBounce && answered.has(bounceClass ?? ""))
    return ignored(`status ${word} of class ${bounceClass}: an answer, and no bounce`);
  return receipt(word, words, () => {
    const { transmission_id: id, rcpt_meta: meta, ...said } = parseValue(event, given);
    const why = { code: said.error_code ?? bounceClass ?? word, message: said.reason ?? said.raw_reason ?? word };
    const recipient = said.raw_rcpt_to ?? said.rcpt_to;
    const isOptedOut = isBounce && bounceClass === unsubscribed;
    return { id, reference: meta, recipient, isOptedOut, ...why };
  });
}

function compose(message: OutboundMessage) {
  const { from, fromName, to, cc, bcc, replyTo, subject, text, html } = message;
  const metadata = { bridge_message: message.reference };
  const own = byName(outgoingHeadersWithBoth(message));
  return {
    // Who gets a copy sees in To whom it was written to: https://support.sparkpost.com/docs/faq/cc-bcc-with-rest-api
    recipients: [to, ...cc, ...bcc].map((email) => ({ address: { email, header_to: to }, metadata })),
    content: {
      ...{ from: { email: from, name: fromName }, reply_to: replyTo, subject, text, html },
      headers: { ...(cc.length > 0 ? { CC: cc.join(", ") } : {}), ...own },
      attachments: filesOf(message).map(({ name, contentType, content }) => ({
        name,
        type: contentType,
        data: content,
      })),
    },
    // A person's double braces are no template, and links stay as they are.
    options: { transactional: true, click_tracking: false, perform_substitutions: false },
  };
}
