import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { keyHeaders, sendblueChecks } from "../checks/sendblue.ts";
import { atLeast, credentials, printable, secret, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { code, listOf, maybeText, messageId, phone, requiredText, time } from "../kit/fields.ts";
import { token } from "../kit/proofs.ts";
import { jsonSample } from "../kit/recipes/samples.ts";
import { answerOf, post, withLinks } from "../kit/sends.ts";
import { isOfCall, readCall } from "./sendblue/calls.ts";

const errorCode = code.nullish().transform((given) => (given === "0" ? undefined : (given ?? undefined)));
const reasons = { error_message: maybeText, error_reason: maybeText, error_detail: maybeText };
type Reasons = z.infer<z.ZodObject<typeof reasons>>;
const reasonIn = ({ error_message, error_reason, error_detail }: Reasons) =>
  error_message ?? error_reason ?? error_detail;

/**
 * Sendblue, for iMessage, RCS and SMS by one number: https://docs.sendblue.com
 * Longer than others by its refusals within a success, and by the places where it may say why.
 */
export const sendblue = defineProvider({
  label: "Sendblue",
  channel: "sms",
  credentials: credentials({
    always: {
      webhookSecret: secret(
        "Webhook secret",
        "Of your choice, as `openssl rand -hex 24` makes one: given to both webhooks, or to all as the global secret.",
        atLeast(16),
      ),
    },
    toSend: {
      apiKeyId: setting("API key ID", "In the dashboard under API credentials.", printable),
      apiSecretKey: secret("API secret key", "Beside the API key ID.", printable),
    },
  }),
  pasteAt:
    'two webhooks in the dashboard under Webhooks: one of type "receive" and one of type "outbound", each with the secret',
  notes: [
    "Sendblue signs nothing: each webhook brings the secret in a header. Without a secret there is no such header, and all is refused.",
    "A message that goes to somebody without iMessage goes as SMS: where Sendblue confirms that it arrived, the message says so. Of an SMS there is often no more than that it was sent.",
    "Reactions of persons without iMessage come as texts, such as _Liked “See you at 5”_; of others they come as Sendblue writes them, if it does.",
    "A text may have 18,996 characters, a file 100 MB by iMessage and 5 MB by SMS. A message holds one file: what is more goes as links. Sendblue wants the URL of a file to end with its extension, and takes no signed URLs.",
    "On the free plan, persons must be contacts of the account before what they write arrives. Their files are at Sendblue for 30 days.",
    "An answer to a group goes to the one who wrote.",
    "For its calls, make a third webhook of type _call_log_ with the same URL and secret, and give the mapping a `callProviderId`. Sendblue documents [two of their fields](https://docs.sendblue.com/calling/) today; the id, the numbers and the direction are read as it listed them in May 2026. A call that lacks its id, or a number at one end, is ignored, with that reason.",
  ],
  receives: {
    contentTypes: ["application/json"],
    // https://docs.sendblue.com/security
    proof: token({ header: "sb-signing-secret", key: ({ webhookSecret }) => webhookSecret }),
    sample: ({ id, from, to, text: content, at: sentAt }) =>
      jsonSample({
        ...{ message_handle: id, content, is_outbound: false, status: "RECEIVED", date_sent: sentAt },
        ...{ from_number: from, number: from, to_number: to, sendblue_number: to, service: "SMS" },
      }),
    read,
  },
  sends: {
    receiptsLackReference: true,
    // https://docs.sendblue.com/getting-started/sending-messages
    request: (message, given) => post("https://api.sendblue.com/api/send-message", keyHeaders(given), compose(message)),
    answer: answerOf({
      taken: z.object({ message_handle: messageId, status: maybeText.refine((word) => !isRefusal(word)) }),
      sent: ({ message_handle: id }) => ({ providerMessageId: id }),
      refused: refused(),
      refusesWithin200: true,
    }),
    refusals: { "4001": "throttled", "5003": "throttled" },
  },
  checks: sendblueChecks,
});

/** https://docs.sendblue.com/getting-started/sending-messages; the others say that it is on its way to being sent. */
const words: StatusWords = {
  ...{ SENT: "sent", DELIVERED: "delivered", READ: "read" },
  ...{ ERROR: "failed", FAILED: "failed", DECLINED: "failed" },
  DOWNGRADED: "remarked",
};

function isRefusal(word = ""): boolean {
  return ["ERROR", "FAILED", "DECLINED"].includes(word.toUpperCase());
}

/** In a 200 the status says it; elsewhere there are words at one of three places, and often no code. */
function refused() {
  const problem = { status: maybeText, error_code: errorCode, ...reasons, message: maybeText, error: maybeText };
  return z.object(problem).transform(({ status, error_code: given, message, error, ...said }, context) => {
    const why = reasonIn(said) ?? message ?? error ?? (isRefusal(status) ? `Sendblue says ${status}` : undefined);
    if (why === undefined) context.addIssue("holds no refusal");
    return { code: given ?? status ?? "refused", message: why ?? "" };
  });
}

const kind = z.object({ message_handle: maybeText, is_outbound: z.boolean().nullish() });
const outbound = z.object({ is_outbound: z.boolean() });
const update = z.object({
  ...{ message_handle: messageId, status: requiredText, was_downgraded: z.boolean().nullish().catch(undefined) },
  ...{ error_code: errorCode, ...reasons },
});
const message = z.object({
  ...{ message_handle: messageId, from_number: phone, to_number: phone, content: maybeText, media_url: maybeText },
  ...{ date_sent: time, participants: listOf(phone.optional().catch(undefined)) },
});

/** Calls, lines, contacts and typing come only to whoever asks for them. They have neither a handle nor this direction. */
function read(webhook: DecodedWebhook) {
  if (isOfCall(webhook)) return readCall(webhook);
  const { message_handle: handle, is_outbound: direction } = webhook.read(kind);
  if (handle === undefined && typeof direction !== "boolean") return ignored("neither a message nor a receipt");
  return webhook.read(outbound).is_outbound ? readReceipt(webhook) : readText(webhook);
}

/** Of a group, whoever has a number is named; a person of it may write by an email address. */
function readText(webhook: DecodedWebhook) {
  const { message_handle: id, from_number: from, to_number: to, participants, ...said } = webhook.read(message);
  const others = participants.flatMap((each) => (each === undefined || each === from || each === to ? [] : each));
  const attachments = said.media_url ? [{ url: said.media_url }] : [];
  return text({
    id,
    from,
    to: [to],
    cc: [...new Set(others)],
    sentAt: said.date_sent,
    text: said.content,
    attachments,
  });
}

function readReceipt(webhook: DecodedWebhook) {
  const { message_handle: id, status, was_downgraded, error_code: given, ...said } = webhook.read(update);
  const word = status.toUpperCase();
  if (word === "DELIVERED" && was_downgraded) {
    const remark = "it went as SMS: the person does not have iMessage";
    return receipt("DOWNGRADED", words, () => ({ id, code: "was_downgraded", message: remark }));
  }
  return receipt(word, words, () => ({ id, code: given, message: reasonIn(said) }));
}

/** A message holds one file: the others go as links. */
function compose({ from, to, text: said, attachments: [first, ...more] }: OutboundMessage) {
  const content = withLinks(said, more);
  return { number: to, from_number: from, content: content || undefined, media_url: first?.url };
}
