import { z } from "zod";
import { Failure, ParseError } from "../../errors.ts";
import { parseSender } from "../../formats/mailbox.ts";
import { amazonSesChecks } from "../checks/email/amazon-ses.ts";
import { credentials, setting, shape } from "../kit/credentials.ts";
import type { DecodedWebhook } from "../kit/decode.ts";
import { defineProvider } from "../kit/define-provider.ts";
import { addressesIn, openRaw, rawMail } from "../kit/email/mails.ts";
import { ignored, incompleteMail } from "../kit/events.ts";
import { at, listOf, maybe, maybeText, messageId, requiredText } from "../kit/fields.ts";
import { awsKeyFields, awsRefusals, awsRefused, getS3Object } from "../kit/recipes/aws-signature.ts";
import {
  inMessage,
  readTopicWord,
  regionOf,
  snsNotes,
  snsSignature,
  subscribeUrlOf,
  topicField,
} from "../kit/recipes/sns.ts";
import { answerOf, idAt } from "../kit/sends.ts";
import { callSes, composeForSes } from "./amazon-ses/call.ts";
import { readReceipts } from "./amazon-ses/read-receipts.ts";

/**
 * Amazon SES, by way of Amazon SNS: mail within a notification, or in S3, from where it is fetched
 * (https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html), sending by API v2
 * (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html) and the events of a configuration set
 * (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html).
 */
export const amazonSes = defineProvider({
  label: "Amazon SES",
  channel: "email",
  credentials: credentials({
    always: { topicArn: topicField },
    toSend: awsKeyFields(
      "`ses:SendEmail`, `s3:GetObject` of the bucket where mail is kept, and, to be checked, `ses:GetAccount`, `ses:GetEmailIdentity` and `ses:GetConfigurationSetEventDestinations`",
    ),
    ifWanted: {
      bucket: setting(
        "Bucket",
        "Where receipt rules put mail: the only one that is read. It is of the topic's region.",
        shape(/^[a-z\d][a-z\d-]{1,61}[a-z\d]$/, "must be a bucket's name: small letters, digits and hyphens, no dots"),
      ),
      configurationSet: setting(
        "Configuration set",
        "Its name, in the console of Amazon SES. Without one, whose events go to the topic, there are no receipts.",
        shape(/^[\w-]{1,64}$/, "must be letters, digits and the signs _ -"),
      ),
    },
  }),
  pasteAt:
    "an HTTPS subscription of the SNS topic, with raw message delivery off. The topic is that of a receipt rule's action, and an event destination of the configuration set",
  notes: [
    "A receipt rule's action puts mail into S3 and tells the topic (40 MB at most), or hands it on by SNS within the notification: choose the encoding Base64 then. What is larger than 150 KB bounces there, so that S3 is the one to take.",
    "A bucket is read as it is: leave the encryption by KMS in the rule's action off, and encrypt the bucket instead. Have it forget its objects after some days.",
    ...snsNotes,
    "The topic is of the region that sends and receives: by its ARN the bridge knows where to call. One topic serves mail and receipts.",
    "Mail in which SES finds a virus is ignored, and its webhook says so. What SES takes for spam is taken in: a rule can drop it.",
    "Opens and clicks come only when the configuration set tracks them. A new account is in a sandbox: only to addresses that are verified there anything goes.",
  ],
  receives: {
    contentTypes: ["text/plain", "application/json"],
    proof: snsSignature({ topicArn: ({ topicArn }) => topicArn }),
    isReferenceSigned: true,
    read,
    files: async (webhook) => {
      const raw = webhook.fetched ?? contentOf(webhook);
      return raw ? openRaw(raw) : [];
    },
    confirmation: subscribeUrlOf,
    completion: {
      request: (fetchBy, { topicArn, bucket, accessKeyId, secretAccessKey }) => {
        const [, named = "", objectKey = ""] = /^([^/]*)\/(.*)$/s.exec(fetchBy) ?? [];
        if (bucket === undefined || named !== bucket) {
          throw new Failure(
            "misconfigured",
            `the mail is in the bucket ${named}, and bucket says ${bucket ?? "nothing"}`,
          );
        }
        return getS3Object(bucket, objectKey, { accessKeyId, secretAccessKey, region: regionOf(topicArn) });
      },
    },
  },
  sends: {
    request: (message, { configurationSet, ...account }) =>
      callSes(account, "POST", "/v2/email/outbound-emails", composeForSes(message, configurationSet)),
    answer: answerOf({ ...idAt("MessageId"), refused: awsRefused }),
    // https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
    refusals: {
      ...awsRefusals,
      ...{ TooManyRequestsException: "throttled", LimitExceededException: "throttled" },
      ...{ AccountSuspendedException: "misconfigured", SendingPausedException: "misconfigured" },
      ...{ MailFromDomainNotVerifiedException: "misconfigured", NotFoundException: "misconfigured" },
      ...{ InvalidClientTokenId: "misconfigured", SignatureDoesNotMatch: "misconfigured" },
    },
  },
  checks: amazonSesChecks,
});

const word = z.object({ eventType: maybeText, notificationType: maybeText });
const verdict = maybe(at("status", maybeText));
const inbound = z.object({
  mail: z.object({
    messageId,
    source: maybeText,
    destination: listOf(z.string()),
    commonHeaders: maybe(at("from", listOf(z.string()))),
  }),
  receipt: z.object({
    recipients: listOf(z.string()),
    ...{ virusVerdict: verdict, spfVerdict: verdict, dkimVerdict: verdict, dmarcVerdict: verdict },
    action: z.object({ type: requiredText, bucketName: maybeText, objectKey: maybeText, encoding: maybeText }),
  }),
});
const content = z.object({ content: maybeText, receipt: z.object({ action: z.object({ encoding: maybeText }) }) });

const text = z.object({ Message: maybeText });

function read(webhook: DecodedWebhook) {
  const ofTopic = readTopicWord(webhook);
  if (ofTopic) return ofTopic;
  // In plain words SES says that it may post to the topic.
  if (!/^\s*\{/.test(webhook.read(text).Message ?? ""))
    return ignored("a message that SES posts when a topic is chosen");
  const { eventType, notificationType } = webhook.read(inMessage(word));
  const type = eventType ?? notificationType ?? "none";
  return type === "Received" ? readMail(webhook) : readReceipts(webhook, type);
}

function contentOf(webhook: DecodedWebhook): Buffer | undefined {
  if (readTopicWord(webhook) || !/^\s*\{/.test(webhook.read(text).Message ?? "")) return undefined;
  const { content: raw, receipt: about } = webhook.read(inMessage(content.partial()));
  return raw === undefined ? undefined : Buffer.from(raw, about?.action.encoding === "BASE64" ? "base64" : "utf8");
}

async function readMail(webhook: DecodedWebhook) {
  const { mail, receipt: about } = webhook.read(inMessage(inbound));
  const { virusVerdict, recipients, action } = about;
  if (virusVerdict === "FAIL") return ignored("Amazon SES found a virus in the mail");
  const raw = webhook.fetched ?? contentOf(webhook);
  if (raw) {
    const verdicts = { spf: about.spfVerdict, dkim: about.dkimVerdict, dmarc: about.dmarcVerdict };
    return rawMail(raw, { from: mail.source, to: recipients, verdicts }, mail.messageId);
  }
  const { bucketName, objectKey, type } = action;
  if (!bucketName || !objectKey) return ignored(`the action ${type} of the receipt rule hands no mail on`);
  const from = parseSender(mail.commonHeaders?.[0]) ?? parseSender(mail.source);
  if (!from) throw new ParseError("Message.mail.source: holds no mailbox, and neither does From");
  const others = { to: addressesIn(mail.destination), envelopeTo: addressesIn(recipients) };
  return incompleteMail(mail.messageId, `${bucketName}/${objectKey}`, { from: from.address, ...others });
}
