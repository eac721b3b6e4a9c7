import { z } from "zod";
import type { OutboundMessage } from "../../model.ts";
import { awsSmsChecks } from "../checks/aws-sms.ts";
import { choice, credentials, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { ignored, receipt, type StatusWords, text } from "../kit/events.ts";
import { at, jsonText, maybe, maybeReference, maybeText, messageId, phone, time } from "../kit/fields.ts";
import { awsKeyFields, awsRefusals, awsRefused } from "../kit/recipes/aws-signature.ts";
import { inMessage, readTopicWord, snsNotes, snsSignature, subscribeUrlOf, topicField } from "../kit/recipes/sns.ts";
import { answerOf, idAt, withLinks } from "../kit/sends.ts";
import { callSmsVoice } from "./aws-sms/call.ts";

/**
 * AWS End User Messaging SMS, by way of Amazon SNS: https://docs.aws.amazon.com/sms-voice/latest/userguide/what-is-sms-mms.html
 * Longer than others by its tables of words and codes, and by what SNS asks and says beside messages.
 */
export const awsSms = defineProvider({
  label: "AWS End User Messaging SMS",
  channel: "sms",
  credentials: credentials({
    always: { topicArn: topicField },
    toSend: awsKeyFields("`sms-voice:SendTextMessage` and `sms-voice:DescribePhoneNumbers`"),
    ifWanted: {
      configurationSet: setting(
        "Configuration set",
        "Its name, in the console of AWS End User Messaging SMS under Configuration sets. Without one, whose events go to the topic, there are no receipts.",
        shape(/^[\w:/-]{1,256}$/, "must be letters, digits and the signs _ - : /"),
      ),
      messageType: choice("Message type", "That of the number.", ["TRANSACTIONAL", "PROMOTIONAL"]),
    },
  }),
  pasteAt:
    "an HTTPS subscription of the SNS topic, with raw message delivery off. In the console of AWS End User Messaging SMS the topic is the number's destination of the type Amazon SNS (Phone numbers, the tab Two-way SMS, _Edit settings_), and an event destination of the configuration set",
  notes: [
    ...snsNotes,
    "A topic that you made yourself must let `sms-voice.amazonaws.com` do `sns:Publish` by its access policy; one that is made with the number's two-way SMS does so already.",
    "The topic is of the region of the number: by its ARN the bridge knows where to send. One topic serves both what people write and receipts.",
    "By default AWS itself answers STOP and HELP, and keeps the list; with self-managed opt-outs it hands them on instead. Without those the bridge hears of who wrote STOP at the latest when AWS refuses the next text.",
    "What people send is text alone: AWS takes no MMS in. Files go out as links in the text, which has 1,600 characters at most.",
    "A new account is in a sandbox: only to numbers that are verified there anything goes.",
  ],
  receives: {
    contentTypes: ["text/plain", "application/json"],
    proof: snsSignature({ topicArn: ({ topicArn }) => topicArn }),
    isReferenceSigned: true,
    read,
    confirmation: subscribeUrlOf,
  },
  sends: {
    // https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
    request: (message, { configurationSet, messageType, ...account }) =>
      callSmsVoice(account, "SendTextMessage", {
        ...compose(message),
        ...{ ConfigurationSetName: configurationSet, MessageType: messageType },
      }),
    answer: answerOf({ ...idAt("MessageId"), refused: awsRefused }),
    // https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/CommonErrors.html
    refusals: {
      ...awsRefusals,
      ...{ DESTINATION_PHONE_NUMBER_OPTED_OUT: "opted_out", ResourceNotFoundException: "misconfigured" },
      ...{ ACCOUNT_DISABLED: "misconfigured", INSUFFICIENT_ACCOUNT_REPUTATION: "misconfigured" },
      ...{ NO_ORIGINATION_IDENTITIES_FOUND: "misconfigured", MESSAGE_TYPE_MISMATCH: "misconfigured" },
      ...{ DESTINATION_PHONE_NUMBER_NOT_VERIFIED: "misconfigured" },
      ...{ MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT: "misconfigured" },
    },
  },
  checks: awsSmsChecks,
});

/** Without `TEXT_` or `MEDIA_`: https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html */
const words: StatusWords = {
  // Of `SUCCESSFUL` the carrier has it.
  ...{ SENT: "sent", SUCCESSFUL: "sent", DELIVERED: "delivered", INVALID: "failed", INVALID_MESSAGE: "failed" },
  ...{ UNREACHABLE: "failed", CARRIER_UNREACHABLE: "failed", BLOCKED: "failed", CARRIER_BLOCKED: "failed" },
  ...{ SPAM: "failed", PROTECT_BLOCKED: "failed", TTL_EXPIRED: "failed", UNKNOWN: "failed" },
  MESSAGE_MONTHLY_SPEND_LIMIT: "failed",
};

const event = at("Message", jsonText(z.object({ eventType: maybeText })));
/** https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html */
const inbound = inMessage(
  z.object({
    ...{ inboundMessageId: messageId, originationNumber: phone, destinationNumber: phone, messageBody: maybeText },
  }),
);
/** https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html */
const update = inMessage(
  // What went along with the send; of what others send by the same set, nothing or something else.
  z.object({ messageId, messageStatusDescription: maybeText, context: maybe(at("reference", maybeReference)) }),
);

function read(webhook: DecodedWebhook) {
  const ofTopic = readTopicWord(webhook);
  if (ofTopic) return ofTopic;
  const { eventType } = webhook.read(event) ?? {};
  if (eventType === undefined) return readText(webhook);
  const word = /^(?:TEXT|MEDIA)_(\w+)$/.exec(eventType)?.[1];
  if (word === undefined) return ignored(`event ${eventType}: says nothing that is bridged`);
  return receipt(word, words, () => {
    const { messageId: id, messageStatusDescription: message, context: ours } = webhook.read(update);
    return { id, reference: ours, message };
  });
}

/** When the person wrote it AWS does not say, but SNS when it was passed on. */
function readText(webhook: DecodedWebhook) {
  const sentAt = webhook.read(at("Timestamp", time));
  const { inboundMessageId: id, originationNumber: from, destinationNumber: to, messageBody } = webhook.read(inbound);
  return text({ id, from, to: [to], sentAt, text: messageBody });
}

/** AWS takes no files but those of its own S3: theirs go as links. */
function compose({ reference: ours, from, to, text: said, attachments }: OutboundMessage) {
  const MessageBody = withLinks(said, attachments);
  return { DestinationPhoneNumber: to, OriginationIdentity: from, MessageBody, Context: { reference: ours } };
}
