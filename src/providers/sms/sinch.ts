import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { sinchChecks } from "../checks/sinch/sinch.ts";
import { atLeast, choice, credentials, pathSegment, printable, secret, setting } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { code, listOf, maybeText, messageId, phoneWithoutPlus, reference, requiredText, time } from "../kit/fields.ts";
import { basicAuth, bearer, chosenProof, withBasic } from "../kit/proofs.ts";
import { sinchSignature } from "../kit/recipes/sinch-signature.ts";
import { answerOf, idAt, post, withLinks, withoutPlus } from "../kit/sends.ts";

interface Proven {
  callbackProof: "basic" | "hmac";
  callbackSecret: string;
}

/** Sinch SMS API (XMS); the length is that of its two proofs and two kinds of body: https://developers.sinch.com/docs/sms/api-reference/sms/tag/Webhooks/ */
export const sinch = defineProvider({
  label: "Sinch SMS",
  channel: "sms",
  credentials: credentials({
    always: {
      callbackProof: choice(
        "Proof of callbacks",
        "`basic`: the URL holds a user name and password. `hmac`: Sinch signs, once your account manager has set it up.",
        ["basic", "hmac"],
      ),
      callbackSecret: secret("Callback secret", "The password of your choice, or the secret of the HMAC.", atLeast(12)),
    },
    toSend: {
      servicePlanId: setting("Service plan id", "In the dashboard under SMS, APIs.", pathSegment),
      apiToken: secret("API token", "Beside the service plan id.", printable),
    },
    ifWanted: {
      region: choice("Region", "Where the service plan is, `us` if it is left out.", ["us", "eu", "au", "br", "ca"]),
    },
  }),
  pasteAt: "the service plan's callback URL, in the dashboard under SMS, APIs. Delivery reports come there as well",
  notes: [
    "With `basic` the URL holds the password: it is shown whole only in the answer to who set it. Where Sinch calls without it, your account manager sets it for the callback URL.",
    "A text has 2,000 characters at most. Only one file goes with an MMS, only in the US, and Sinch's support must allow it.",
    "Sinch answers no STOP by itself unless it is set up there: what people write arrives as any other text.",
  ],
  receives: {
    contentTypes: ["application/json"],
    proof: chosenProof<Proven, Proven["callbackProof"]>(({ callbackProof }) => callbackProof, {
      basic: basicAuth({ pair: ({ callbackSecret }) => [user, callbackSecret] }),
      hmac: sinchSignature({ key: ({ callbackSecret }) => callbackSecret }),
    }),
    read,
    pastedUrl: (url, { callbackProof, callbackSecret }) =>
      callbackProof === "basic" ? withBasic(url, user, callbackSecret) : url,
  },
  sends: {
    // https://developers.sinch.com/docs/sms/api-reference/sms/tag/Batches/#tag/Batches/operation/SendSMS
    request: (message, { servicePlanId, apiToken, region = "us" }) =>
      post(`https://${region}.sms.api.sinch.com/xms/v1/${servicePlanId}/batches`, bearer(apiToken), compose(message)),
    // https://developers.sinch.com/docs/sms/api-reference/status-codes/
    answer: answerOf({
      ...idAt("id"),
      refused: z.object({ code, text: requiredText }).transform(({ text: message, ...rest }) => ({ ...rest, message })),
    }),
    refusals: { blocked_account: "misconfigured", missing_callback_url: "misconfigured" },
  },
  checks: sinchChecks,
});

const user = "sinch";

/** https://developers.sinch.com/docs/sms/api-reference/sms/tag/Delivery-reports/ */
const words: StatusWords = {
  // Of `Unknown` nobody will say more: the carrier has it.
  ...{ Dispatched: "sent", Unknown: "sent", Delivered: "delivered", Failed: "failed", Expired: "failed" },
  ...{ Rejected: "failed", Aborted: "failed", Cancelled: "failed", Deleted: "failed" },
};

const kind = z.object({ type: requiredText });
const number = phoneWithoutPlus(undefined);
const file = z.object({ url: maybeText, content_type: maybeText, code: code.nullish() });
const parts = z.object({ subject: maybeText, message: maybeText, media: listOf(file) });
const incoming = z.object({
  ...{ id: messageId, from: number, to: number, received_at: time, sent_at: time },
  // Of a text its words, of an MMS its parts.
  body: z.union([maybeText.transform((message) => parts.parse({ message })), parts]),
});
/** https://developers.sinch.com/docs/sms/api-reference/sms/tag/Webhooks/#tag/Webhooks/operation/deliveryReport */
const update = z.object({
  ...{ batch_id: messageId, client_reference: reference.nullish().catch(undefined), code: code.nullish() },
});

function read(webhook: DecodedWebhook) {
  const { type } = webhook.read(kind);
  if (type === "mo_text" || type === "mo_media") return readText(webhook);
  if (/^recipient_delivery_report_[sm]ms$/.test(type)) return readReceipt(webhook);
  if (type === "mo_binary") return ignored("a binary message: it holds nothing for a person to read");
  return ignored(`type ${type}: says nothing that is bridged`);
}

/** Of a file that Sinch could not keep there is nothing but that it was there. */
function readText(webhook: DecodedWebhook) {
  const { to, received_at, sent_at, body, ...rest } = webhook.read(incoming);
  const { subject, message, media } = body;
  const attachments = media.flatMap(({ url, content_type: contentType }) => (url ? { url, contentType } : []));
  const lost = media
    .filter(({ url }) => !url)
    .map(({ content_type = "unknown type", code: why }) => `[A file of ${content_type} that Sinch lost (${why})]`);
  const words = [message, ...lost].filter(Boolean).join("\n") || undefined;
  return text({ ...rest, to: [to], sentAt: received_at ?? sent_at, subject, text: words, attachments });
}

const told = z.object({ status: requiredText });

function readReceipt(webhook: DecodedWebhook) {
  const { status } = webhook.read(told);
  return receipt(status, words, () => {
    const { batch_id: id, client_reference, code: why } = webhook.read(update);
    return { id, reference: client_reference ?? undefined, code: why ?? undefined };
  });
}

function compose({ reference: ours, from, to, text: words, attachments }: OutboundMessage) {
  const parties = { from: withoutPlus(from), to: [withoutPlus(to)] };
  const [first, ...others] = attachments;
  const message = withLinks(words, others) || undefined;
  const content = first
    ? { type: "mt_media", body: { url: first.url, message } }
    : { type: "mt_text", body: message ?? "" };
  return { ...parties, ...content, delivery_report: "per_recipient", client_reference: ours };
}
