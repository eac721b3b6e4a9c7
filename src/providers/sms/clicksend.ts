import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { clicksendChecks } from "../checks/clicksend.ts";
import { atLeast, credentials, printable, secret, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { at, code, maybeText, messageId, phoneWithoutPlus, reference, requiredText } from "../kit/fields.ts";
import { basic, token } from "../kit/proofs.ts";
import { formSample } from "../kit/recipes/samples.ts";
import { answerOf, post, withLinks } from "../kit/sends.ts";

/**
 * ClickSend: https://developers.clicksend.com/docs/messaging/sms. What it posts is said in old pages and others' code only.
 * Longer than others by its refusals, of a message within a success and of a whole call.
 */
export const clicksend = defineProvider({
  label: "ClickSend",
  channel: "sms",
  credentials: credentials({
    always: {
      webhookToken: secret(
        "Webhook token",
        "Of your choice: ClickSend signs nothing, and the URL holds it.",
        atLeast(16),
      ),
    },
    toSend: {
      username: setting("User name", "In the dashboard under Developers, API credentials.", printable),
      apiKey: secret("API key", "Beside the user name.", printable),
    },
  }),
  pasteAt:
    "a rule for inbound SMS and one for delivery reports, each with the action URL, by POST or as JSON. The URL holds the webhook token, because ClickSend signs nothing; it is shown whole only in the answer to who set it",
  notes: [
    "Whoever learns the URL can forge texts and receipts: keep it out of logs and tickets.",
    "Rules that call by GET are not read. Several rules may bring the same text: it counts once.",
    "A picture that comes in is a link in the text, which ClickSend opens for seven days.",
    "An MMS has one file of at most 250 kB, and a subject of 20 characters, which is made of the text; other files follow as links.",
    "The same text to the same person, sent twice within a short time, is refused as THROTTLED.",
  ],
  receives: {
    contentTypes: ["application/x-www-form-urlencoded", "application/json"],
    proof: token({ query: tokenName(), key: ({ webhookToken }) => webhookToken }),
    sample: ({ id, from, to, text: body, at: sentAt }) =>
      formSample({ message_id: id, from, to, body, timestamp: String(Math.floor(sentAt.getTime() / 1000)) }),
    read,
    pastedUrl: (url, { webhookToken }) => `${url}?${tokenName()}=${encodeURIComponent(webhookToken)}`,
  },
  sends: {
    request: (message, { username, apiKey }) => {
      const kind = message.attachments.length > 0 ? "mms" : "sms";
      return post(`https://rest.clicksend.com/v3/${kind}/send`, basic(username, apiKey), compose(message));
    },
    answer: answerOf({
      taken: at("data.messages.0", { message_id: messageId, status: z.literal("SUCCESS") }),
      sent: ({ message_id }) => ({ providerMessageId: message_id }),
      ...{ refused: refused(), refusesWithin200: true },
    }),
    // https://developers.clicksend.com/docs/#application-status-codes
    refusals: {
      COUNTRY_NOT_ENABLED: "misconfigured",
      INSUFFICIENT_CREDIT: "misconfigured",
      UNAUTHORIZED: "misconfigured",
    },
  },
  checks: clicksendChecks,
});

function tokenName() {
  return "token";
}

/** A message that is refused in a success, or the whole call. */
function refused() {
  const otherThanSuccess = requiredText.refine((word) => word !== "SUCCESS");
  return z.union([
    at("data.messages.0.status", otherThanSuccess).transform((word) => {
      return { code: word, message: `ClickSend says ${word}` };
    }),
    z.object({ response_code: otherThanSuccess, response_msg: requiredText }).transform((error) => {
      return { code: error.response_code, message: error.response_msg };
    }),
  ]);
}

/** 200 and 300 are not final. https://help.clicksend.com/en/articles/42318-sms-error-codes */
const words: StatusWords = { "201": "delivered", "301": "failed" };

const number = phoneWithoutPlus(undefined);
const maybeCode = z.union([maybeText, code]);
const kind = z.object({ status_code: maybeCode, message_type: maybeText });
/** Unix seconds. */
const timestamp = maybeCode.transform((seconds) =>
  seconds && /^\d{9,11}$/.test(seconds) ? new Date(Number(seconds) * 1000) : undefined,
);
const incoming = z.object({
  message_id: messageId,
  from: number,
  to: number,
  body: maybeText,
  message: maybeText,
  timestamp,
});
const update = z.object({
  ...{ message_id: messageId, custom_string: reference.nullish().catch(undefined) },
  ...{ status_text: maybeText, error_code: maybeCode, error_text: maybeText },
});

/** A receipt has a status_code. Rules for voice, fax and mail may share the URL. */
function read(webhook: DecodedWebhook) {
  const { status_code: word, message_type: type = "SMS" } = webhook.read(kind);
  if (!/^[sm]ms$/i.test(type)) return ignored(`message_type ${type}: only SMS and MMS are bridged`);
  if (word !== undefined) return readReceipt(webhook, word);
  const { message_id: id, from, to, body, message, timestamp: sentAt } = webhook.read(incoming);
  return text({ id, from, to: [to], text: body ?? message, sentAt });
}

function readReceipt(webhook: DecodedWebhook, word: string) {
  return receipt(word, words, () => {
    const { message_id: id, custom_string: ours, status_text, error_code, error_text } = webhook.read(update);
    return { id, reference: ours ?? undefined, code: error_code, message: error_text ?? status_text };
  });
}

function compose({ reference: custom_string, from, to, text: said, attachments }: OutboundMessage) {
  const [first, ...others] = attachments;
  const body = withLinks(said, others);
  const message = { from, to, body: body || undefined, custom_string };
  if (!first) return { messages: [message] };
  return {
    media_file: first.url,
    messages: [{ ...message, subject: [...(said || first.name)].slice(0, 20).join("") }],
  };
}
