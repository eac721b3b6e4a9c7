import { z } from "zod";
import { parseTime } from "../../formats/read-time.ts";
import type { OutboundMessage } from "../../model.ts";
import { vonageSmsChecks } from "../checks/vonage/vonage-sms.ts";
import { choice, credentials, printable, secret, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { partOf, receipt, type StatusWords, text } from "../kit/events.ts";
import { code, maybeText, messageId, perNumber, phoneWithoutPlus } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";
import { vonageAlgorithms, vonageSignature } from "../kit/recipes/vonage-signature.ts";
import { answerOf, post, withLinks, withoutPlus } from "../kit/sends.ts";

/**
 * Vonage's SMS API, its older one: https://developer.vonage.com/en/messaging/sms/overview. Longer than others by its table of
 * codes, which come without words, and by the alphabet, which it does not find out by itself.
 */
export const vonageSms = defineProvider({
  label: "Vonage SMS",
  channel: "sms",
  credentials: credentials({
    always: {
      signatureSecret: secret("Signature secret", "In the dashboard under API settings, SMS settings."),
      signatureMethod: choice(
        "Signature method",
        "As it is set beside the signature secret: `md5hash` is _MD5 hash signature_, the others are HMACs. Take sha256 or sha512.",
        vonageAlgorithms,
      ),
    },
    toSend: {
      apiKey: setting("API key", "On the dashboard's first page.", shape(/^\w+$/, "must be letters and digits")),
      apiSecret: secret("API secret", "Beside the API key.", printable),
    },
  }),
  pasteAt:
    "the number's inbound webhook URL; receipts set themselves. In the dashboard's API settings the default SMS setting is SMS API, and the webhook format GET, POST or POST-JSON, whichever",
  notes: [
    "Have Vonage's support switch on signed webhooks: without a signature nothing is taken.",
    "Vonage tries for 24 hours after a 429 or 5xx, and never again after another refusal.",
    "A long text comes in parts, which are put together. What is not whole five minutes after its last part goes as it is, and says what is missing.",
    "There is no MMS: files go as links below the words. Where you have the choice, connect the Messages API.",
  ],
  receives: {
    contentTypes: ["application/json", "application/x-www-form-urlencoded"],
    takesGet: true,
    proof: vonageSignature({
      algorithm: ({ signatureMethod }) => signatureMethod,
      key: ({ signatureSecret }) => signatureSecret,
    }),
    isReferenceSigned: true,
    read,
  },
  sends: {
    // https://developer.vonage.com/en/api/sms
    request: (message, { apiKey, apiSecret }) =>
      post("https://rest.nexmo.com/sms/json", basic(apiKey, apiSecret), compose(message)),
    answer: answers(),
    // https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms
    refusals: {
      ...{ "1": "throttled", "10": "throttled", "4": "misconfigured", "8": "misconfigured", "9": "misconfigured" },
      ...{ "11": "misconfigured", "14": "misconfigured" },
    },
  },
  checks: vonageSmsChecks,
});

/** Each part has a status and an id: "0" is taken, by the first of which the message is known. */
function answers() {
  const taken = z.object({ messages: z.array(z.object({ status: z.literal("0"), "message-id": messageId })).min(1) });
  const refused = z
    .object({ messages: z.array(z.object({ status: code, "error-text": maybeText })) })
    .transform(({ messages }, context) => {
      const found = messages.find(({ status }) => status !== "0");
      if (!found) context.addIssue("is none");
      return found ? { code: found.status, message: found["error-text"] ?? `status ${found.status}` } : z.NEVER;
    });
  return answerOf({
    ...{ taken, refused, refusesWithin200: true },
    sent: ({ messages: [first] }) => ({ providerMessageId: first?.["message-id"] ?? "" }),
  });
}

/** https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts */
const words: StatusWords = {
  ...{ accepted: "sent", delivered: "delivered" },
  ...{ expired: "failed", failed: "failed", rejected: "failed" },
};
const reasons: Record<string, string> = {
  ...{ 2: "the person cannot be reached for now", 3: "the number is not in service", 4: "the person has barred it" },
  ...{ 5: "the number has moved to another network", 6: "the carrier took it for spam", 7: "the phone is busy" },
  ...{
    8: "the network failed",
    9: "the person has written STOP, or the number is none",
    10: "the text is not allowed",
  },
  ...{
    11: "there is no way to this network",
    12: "the number cannot be reached",
    13: "the person is too young for it",
  },
  ...{ 14: "the carrier has blocked the number", 15: "the person's credit is used up" },
};

const maybeCode = code.nullish().catch(undefined);
const kind = z.object({ status: maybeText });
const update = z.object({ messageId, "err-code": maybeCode, "client-ref": maybeText });

/** A receipt has a status; its `msisdn` is whom it went to. */
function read(webhook: DecodedWebhook, ownNumber?: string) {
  const { status } = webhook.read(kind);
  if (status === undefined) return readText(webhook, ownNumber);
  return receipt(status, words, () => {
    const { messageId: id, "err-code": given, "client-ref": reference } = webhook.read(update);
    if (!given || given === "0") return { id, reference };
    return {
      id,
      reference,
      code: given,
      message: reasons[given] ?? `Vonage says ${status}, error ${given}`,
      isOptedOut: given === "9",
    };
  });
}

/** In UTC, without saying so. */
const time = maybeText.transform((given) => parseTime(given?.replace(/^([\d-]+) ([\d:]+)$/, "$1T$2Z")));
const isLong = { "concat-ref": maybeCode, "concat-part": maybeCode, "concat-total": maybeCode };
const incomingTo = perNumber((ownNumber) => {
  const party = phoneWithoutPlus(ownNumber);
  const head = { messageId, msisdn: party, to: party, "message-timestamp": time };
  return z.object({ ...head, ...isLong, text: maybeText, type: maybeText });
});

function readText(webhook: DecodedWebhook, ownNumber: string | undefined) {
  const { messageId: id, msisdn: from, to, "message-timestamp": sentAt, ...said } = webhook.read(incomingTo(ownNumber));
  const part = partOf(said["concat-ref"], said["concat-part"], said["concat-total"]);
  const binary = said.type === "binary" ? "[A binary message, which is not read]" : undefined;
  return text({ id, from, to: [to], sentAt, text: said.text ?? binary, ...part });
}

/** What is written with these goes as it is, and everything else by UCS-2. https://www.etsi.org/deliver/etsi_ts/123000_123099/123038/ */
const gsm = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà^{}\\[~\]|€\f]*$/;

function compose({ from, to, text: body, attachments, reference, receiptUrl }: OutboundMessage) {
  const words = withLinks(body, attachments);
  return {
    ...{ from: withoutPlus(from), to: withoutPlus(to), text: words },
    ...(gsm.test(words) ? {} : { type: "unicode" }),
    ...{ "client-ref": reference, callback: receiptUrl.replace(/\?.*/, "") },
  };
}
