import { z } from "zod";
import type { OutboundMessage } from "../../../model.ts";
import type { DecodedWebhook } from "../decode.ts";
import { type ReceiptFacts, receipt, type StatusWords } from "../events.ts";
import { code, maybeText, messageId, requiredText } from "../fields.ts";
import { answerOf, idAt } from "../sends.ts";

/** What Twilio posts and is posted, which others have taken over: https://www.twilio.com/docs/messaging/guides/webhook-request */

/** https://www.twilio.com/docs/messaging/api/message-resource#message-status-values */
const words: StatusWords = {
  ...{ sent: "sent", delivered: "delivered", read: "read" },
  ...{ undelivered: "failed", failed: "failed", canceled: "failed" },
};

const kind = z.object({ MessageStatus: maybeText, SmsStatus: maybeText });

/** A status callback has MessageStatus; an incoming message has SmsStatus=received, and no time of its own. */
export function statusIn(webhook: DecodedWebhook): string | undefined {
  const { MessageStatus, SmsStatus } = webhook.read(kind);
  const word = MessageStatus ?? SmsStatus ?? "received";
  return word === "received" || word === "receiving" ? undefined : word;
}

/** https://www.twilio.com/docs/messaging/guides/track-outbound-message-status */
const update = z.object({ MessageSid: messageId, ErrorCode: maybeText, ErrorMessage: maybeText });

/** `explain`: what is said of a failure that has a code and no words. */
export function readReceipt(webhook: DecodedWebhook, word: string, provider: { label: string; explain: Explain }) {
  return receipt(word, words, (): ReceiptFacts => {
    const { MessageSid: id, ErrorCode: code, ErrorMessage } = webhook.read(update);
    const explanation = code ? provider.explain(code) : `${provider.label} says ${word}`;
    return { id, reference: webhook.reference, code, message: ErrorMessage ?? explanation };
  });
}

type Explain = (code: string) => string;

const fileCount = z.coerce.number().int().min(0).max(50).default(0);

interface IncomingMessage<Party> {
  id: string;
  from: Party;
  to: Party;
  body: string | undefined;
  attachments: { url: string; contentType: string | undefined }[];
}

/**
 * What reads a message that came in. `party`: the type of who is at either end, which says whether other services than SMS
 * can be answered.
 */
export function incomingReader<Party>(party: z.ZodType<Party>): (webhook: DecodedWebhook) => IncomingMessage<Party> {
  const said = { MessageSid: messageId, From: party, To: party, Body: maybeText, NumMedia: fileCount };
  const incoming = z.object(said);
  return (webhook) => {
    const { MessageSid: id, From: from, To: to, Body: body, NumMedia } = webhook.read(incoming);
    return {
      id,
      from,
      to,
      body,
      attachments: Array.from({ length: NumMedia }, (_, index) => readFile(webhook, index)),
    };
  };
}

function readFile(webhook: DecodedWebhook, index: number) {
  const [url, contentType] = [`MediaUrl${index}`, `MediaContentType${index}`];
  const file = webhook.read(z.object({ [url]: requiredText, [contentType]: maybeText }));
  return { url: file[url] as string, contentType: file[contentType] };
}

/** The form that sends: through a messaging service where one is given. */
export function composeForm(
  { to, from, text: body, attachments, receiptUrl }: OutboundMessage,
  messagingServiceSid?: string,
): URLSearchParams {
  const form = new URLSearchParams({ To: to, From: from });
  if (messagingServiceSid) form.set("MessagingServiceSid", messagingServiceSid);
  if (body) form.set("Body", body);
  for (const { url } of attachments) form.append("MediaUrl", url);
  form.set("StatusCallback", receiptUrl);
  return form;
}

/** https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions */
export const twilioAnswer = answerOf({ ...idAt("sid"), refused: z.object({ code, message: requiredText }) });

/** What answers a webhook: a plain text would be sent to the person as a reply. */
export const noReply = { status: 200, contentType: "text/xml", body: "<Response/>" };
