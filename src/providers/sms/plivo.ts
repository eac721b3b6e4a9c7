import { z } from "zod";
import { ParseError } from "../../errors.ts";
import type { OutboundMessage } from "../../model.ts";
import { plivoChecks } from "../checks/plivo.ts";
import { credentials, printable, secret, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { receipt, type StatusWords, text, wishIn } from "../kit/events.ts";
import { maybeText, messageId, perNumber, phoneWithoutPlus, requiredText } from "../kit/fields.ts";
import { basic } from "../kit/proofs.ts";
import { plivoSignature } from "../kit/recipes/plivo-signature.ts";
import { answerOf, idAt, post } from "../kit/sends.ts";

/**
 * Plivo Messaging: https://plivo.com/docs/messaging/api/message/handling-incoming
 * Longer than others by the files of an MMS, which stand in fields that are numbered.
 */
export const plivo = defineProvider({
  label: "Plivo",
  channel: "sms",
  credentials: credentials({
    always: {
      authId: setting("Auth ID", "On the console's overview.", shape(/^[A-Z\d]{20}$/, "must be 20 letters and digits")),
      authToken: secret(
        "Auth Token",
        "Beside the Auth ID. Of the main account, also where a subaccount has the number: by that Plivo signs.",
        printable,
      ),
    },
  }),
  pasteAt: "the message URL of the number's application, method POST or GET. Status callbacks set themselves",
  notes: [
    "Only V3 signatures count: V2 does not cover what is posted.",
    "Plivo tries three times more within seven minutes, then a message is lost for the bridge.",
    "Plivo itself keeps who wrote STOP, and fails what is sent to them with the code 200.",
    "A text may have 1,600 characters, with signs beyond the GSM alphabet 737. MMS goes to the USA and Canada, with 5 MB at most.",
    "Where media are set to need authentication in the console, their URLs do not open: turn that off.",
    "WhatsApp at the same URL is not taken: the bridge could not answer by it.",
  ],
  receives: {
    contentTypes: ["application/x-www-form-urlencoded"],
    takesGet: true,
    proof: plivoSignature({ key: ({ authToken }) => authToken }),
    isReferenceSigned: true,
    read,
    acknowledgement: { status: 200, contentType: "application/xml", body: "<Response/>" },
  },
  sends: {
    // https://www.plivo.com/docs/sms/api/message/send-a-message/
    request: (message, { authId, authToken }) => {
      const url = `https://api.plivo.com/v1/Account/${authId}/Message/`;
      return post(url, basic(authId, authToken), compose(message));
    },
    // Without a code: https://github.com/plivo/plivo-php/issues/20
    answer: answerOf({
      ...idAt("message_uuid.0"),
      refused: z.object({ error: requiredText }).transform(({ error: message }) => ({ code: "refused", message })),
    }),
  },
  checks: plivoChecks,
});

/** https://plivo.com/docs/messaging/api/messages */
const words: StatusWords = {
  ...{ sent: "sent", delivered: "delivered", read: "read" },
  ...{ undelivered: "failed", failed: "failed", rejected: "failed" },
};

const kind = z.object({ Status: maybeText });
const update = z.object({ MessageUUID: messageId, ErrorCode: maybeText });
const channel = z.object({
  Type: maybeText.refine(
    (type) => !type || /^[sm]ms$/i.test(type),
    "is neither sms nor mms: the bridge could not answer by it",
  ),
});

/** A receipt has a Status. `Sequence` is not needed: a status goes forward only. */
function read(webhook: DecodedWebhook, ownNumber?: string) {
  const { Status: word } = webhook.read(kind);
  if (word === undefined) return readText(webhook, ownNumber);
  return receipt(word, words, () => {
    const { MessageUUID: id, ErrorCode: code } = webhook.read(update);
    const why = code && code !== "000" ? { code, message: explain(code), isOptedOut: code === "200" } : {};
    return { id, reference: webhook.reference, ...why };
  });
}

/** https://support.plivo.com/support/solutions/articles/17000089602-can-i-reply-to-customers-who-have-opted-out- */
function explain(code: string): string {
  if (code === "200") return "the person has written STOP to this number";
  return `error ${code}: see https://plivo.com/docs/messaging/troubleshooting/error-codes`;
}

const count = z.coerce.number().int();
const incomingTo = perNumber((ownNumber) => {
  const party = phoneWithoutPlus(ownNumber);
  const parties = { From: party, To: party };
  return z.object({
    MessageUUID: messageId,
    ...parties,
    Text: maybeText,
    Body: maybeText,
    MediaCount: count.optional(),
    MessageIntent: maybeText,
  });
});

/** An SMS has its words in Text, an MMS in Body. Its files are numbered from 0, or from 1. */
function readText(webhook: DecodedWebhook, ownNumber: string | undefined) {
  webhook.read(channel);
  const {
    MessageUUID: id,
    From: from,
    To,
    Text,
    Body,
    MediaCount = 0,
    MessageIntent,
  } = webhook.read(incomingTo(ownNumber));
  const names = webhook.fields.map(({ name }) => name).filter((name) => /^Media\d{1,2}$/.test(name));
  if (MediaCount > names.length) throw new ParseError("MediaCount: is more than there are URLs of media");
  const files = z.object(Object.fromEntries(names.map((name) => [name, requiredText])));
  const urls = names.length === 0 ? [] : Object.values(webhook.read(files));
  return text({
    id,
    from,
    to: [To],
    text: Text ?? Body,
    attachments: urls.map((url) => ({ url })),
    ...wishIn(MessageIntent),
  });
}

function compose({ from, to, text: body, attachments, receiptUrl }: OutboundMessage) {
  const media =
    attachments.length > 0 ? { type: "mms", media_urls: attachments.map(({ url }) => url) } : { type: "sms" };
  return { src: from, dst: to, text: body || undefined, ...media, url: receiptUrl, method: "POST" };
}
