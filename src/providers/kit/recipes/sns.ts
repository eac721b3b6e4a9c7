import { type KeyObject, verify, X509Certificate } from "node:crypto";
import { z } from "zod";
import { ParseError } from "../../../errors.ts";
import type { IgnoredEvent, WebhookRequest } from "../../../model.ts";
import { isSame } from "../../../secrets/compare.ts";
import { setting, shape } from "../credentials.ts";
import type { DecodedWebhook } from "../decode.ts";
import { ignored } from "../events.ts";
import { at, jsonText, requiredText } from "../fields.ts";
import { isFresh } from "../freshness.ts";
import type { Proof } from "../proofs.ts";

/**
 * As `arn:aws:sns:us-east-1:123456789012:texts`. FIFO topics post to no URL, and the regions of other partitions than these
 * two have other hosts: https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-iam-policy-auto.html
 */
const arnShape = /^arn:aws(?:-us-gov)?:sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):\d{12}:[\w-]{1,256}$/;
const topicArnShape = shape(
  arnShape,
  "must be a standard topic's ARN, such as arn:aws:sns:us-east-1:123456789012:texts",
);
export const regionOf = (topicArn: string) => arnShape.exec(topicArn)?.[1] ?? "";

/** From which topic alone something counts. */
export const topicField = setting(
  "Topic ARN",
  "In the console of Amazon SNS, on the topic's page: a standard topic, not FIFO. Only what comes from this topic counts.",
  topicArnShape,
);

/** What to know of a topic's subscription. */
export const snsNotes = [
  "The bridge confirms the subscription by itself, within seconds of _Create subscription_. Where its status stays _Pending confirmation_, press _Request confirmation_ in the console of Amazon SNS.",
  "A signature is checked with a certificate of `https://sns.<region>.amazonaws.com`: the bridge must be able to reach that host.",
  "SNS tries three times more, within a minute, then a notification is lost for the bridge: give the subscription a retry policy, or a dead-letter queue. It may take an hour at most.",
];

/** What a topic tells: JSON, as the text of a notification. */
export const inMessage = <Output>(schema: z.ZodType<Output>) =>
  at(
    "Message",
    jsonText(schema).transform((found, issues) => {
      if (found === undefined) issues.addIssue("is missing");
      return found ?? z.NEVER;
    }),
  );

/** What Amazon SNS posts around everything: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
const envelope = z.object({
  ...{ Type: z.string(), MessageId: z.string(), TopicArn: z.string(), Message: z.string(), Timestamp: z.string() },
  ...{ Subject: z.string().nullish(), SubscribeURL: z.string().nullish(), Token: z.string().nullish() },
  ...{ SignatureVersion: z.string(), Signature: z.string(), SigningCertURL: z.string() },
});
type Envelope = z.infer<typeof envelope>;

const ofNotification = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] as const;
const ofConfirmation = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"] as const;
const signedFields: Record<string, readonly (keyof Envelope)[]> = {
  Notification: ofNotification,
  SubscriptionConfirmation: ofConfirmation,
  UnsubscribeConfirmation: ofConfirmation,
};
const hashes: Record<string, string> = { "1": "sha1", "2": "sha256" };

/** SNS tries again for some time, an hour at most, with the first signature. */
const maxAgeSeconds = 3600;
const topicHeader = "x-amz-sns-topic-arn";

/**
 * Amazon SNS signs named fields by a key whose certificate stands at a host of AWS, which the TLS of that host vouches for.
 * Anybody can have SNS sign and post: only what comes from the account's own topic counts. Without a way to fetch a
 * certificate nothing verifies. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
export function snsSignature<Given>(recipe: { topicArn(credentials: Given): string }): Proof<Given> {
  return {
    isOfProviderAlone: true,
    headers: [topicHeader],
    // Whoever reads one of the URLs can end the subscription, or confirm another one's.
    secrets: ["Signature", "SubscribeURL", "Token", "UnsubscribeURL"],
    signedAt: async (_request, decode) => secondsOf((await readEnvelope(decode))?.Timestamp),
    async check(request, credentials, decode, fetchCertificate) {
      const topicArn = recipe.topicArn(credentials);
      if (!isSame(request.headers[topicHeader] ?? "", topicArn)) return false;
      const found = await readEnvelope(decode);
      if (!found || !isSame(found.TopicArn, topicArn) || !isInTime(found, request)) return false;
      const signed = signedText(found);
      const hash = Object.hasOwn(hashes, found.SignatureVersion) ? hashes[found.SignatureVersion] : undefined;
      const isOurs = isCertificateUrl(found.SigningCertURL, regionOf(topicArn));
      if (signed === undefined || hash === undefined || !isOurs || !fetchCertificate) return false;
      const key = decodeCertificate(await fetchCertificate(found.SigningCertURL));
      return key !== undefined && verify(hash, Buffer.from(signed), key, Buffer.from(found.Signature, "base64"));
    },
  };
}

const question = z.object({ Type: z.string(), TopicArn: z.string() });
const answer = z.object({ SubscribeURL: z.string() });

/** Of a question whether the topic may post here: the URL that says yes. Throws a ParseError for one of another host. */
export function subscribeUrlOf(webhook: DecodedWebhook): string | undefined {
  const { Type, TopicArn } = webhook.read(question);
  if (Type !== "SubscriptionConfirmation") return undefined;
  const { SubscribeURL: url } = webhook.read(answer);
  if (hasHost(url, regionOf(TopicArn)) && new URL(url).pathname === "/") return url;
  throw new ParseError("SubscribeURL: is not of Amazon SNS");
}

const kind = z.object({ Type: requiredText });

/** What SNS says of the topic itself; nothing where it hands on a message. */
export function readTopicWord(webhook: DecodedWebhook): IgnoredEvent | undefined {
  const { Type } = webhook.read(kind);
  if (Type === "Notification") return undefined;
  return ignored(
    (Object.hasOwn(topicWords, Type) ? topicWords[Type] : undefined) ?? `type ${Type}: says nothing that is bridged`,
  );
}

const topicWords: Record<string, string | undefined> = {
  SubscriptionConfirmation: "SNS asks whether the topic may post here: the bridge says yes by itself",
  UnsubscribeConfirmation: "the topic's subscription was ended: nothing comes any more until there is another one",
};

/** The host of the topic's region by https, and nothing that could lead elsewhere. */
function hasHost(url: string, region: string): boolean {
  return region !== "" && url.startsWith(`https://sns.${region}.amazonaws.com/`) && URL.canParse(url);
}

function isCertificateUrl(url: string, region: string): boolean {
  return hasHost(url, region) && /^https:\/\/[^/]+\/SimpleNotificationService-[\w-]{1,64}\.pem$/.test(url);
}

async function readEnvelope(decode: () => Promise<DecodedWebhook>): Promise<Envelope | undefined> {
  try {
    return (await decode()).read(envelope);
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

function secondsOf(timestamp: string | undefined): string | undefined {
  const isTime = timestamp !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(timestamp);
  const milliseconds = isTime ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : String(Math.floor(milliseconds / 1000));
}

const isInTime = ({ Timestamp }: Envelope, { receivedAt }: WebhookRequest) =>
  isFresh(secondsOf(Timestamp), receivedAt, maxAgeSeconds);

/** Undefined for another type, or where a field is missing that is always signed. */
function signedText(found: Envelope): string | undefined {
  const fields = Object.hasOwn(signedFields, found.Type) ? signedFields[found.Type] : undefined;
  const present = fields?.filter((name) => name !== "Subject" || (found.Subject ?? undefined) !== undefined);
  const lines = present?.map((name) => (typeof found[name] === "string" ? `${name}\n${found[name]}\n` : undefined));
  return lines?.includes(undefined) ? undefined : lines?.join("");
}

function decodeCertificate(pem: string): KeyObject | undefined {
  try {
    const { publicKey } = new X509Certificate(pem);
    return publicKey.asymmetricKeyType === "rsa" ? publicKey : undefined;
  } catch {
    return undefined;
  }
}
