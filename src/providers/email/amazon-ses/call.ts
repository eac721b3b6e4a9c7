import type { ApiRequest } from "../../../calls/call-api.ts";
import { formatMailbox, outgoingHeadersWithoutId, requireContent } from "../../../formats/outgoing-mail.ts";
import type { OutboundMessage } from "../../../model.ts";
import { callAws } from "../../kit/recipes/aws-signature.ts";
import { regionOf } from "../../kit/recipes/sns.ts";

export interface SesAccount {
  topicArn: string;
  accessKeyId: string;
  secretAccessKey: string;
  bucket?: string | undefined;
  configurationSet?: string | undefined;
}

/** A call of the API, which is in the region of the topic: https://docs.aws.amazon.com/general/latest/gr/ses.html */
export function callSes(account: SesAccount, method: "GET" | "POST", path: string, payload?: object): ApiRequest {
  const { topicArn, accessKeyId, secretAccessKey } = account;
  const region = regionOf(topicArn);
  const host = `email.${region}.amazonaws.com`;
  const body = payload === undefined ? "" : JSON.stringify(payload);
  const headers: Record<string, string> = payload === undefined ? {} : { "content-type": "application/json" };
  return callAws({ method, host, path, headers, body }, { accessKeyId, secretAccessKey, region, service: "ses" });
}

/**
 * An email that SES writes out of its parts. It gives each a Message-ID of its own, and takes headers of 870 characters
 * (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html).
 */
export function composeForSes(message: OutboundMessage, ConfigurationSetName: string | undefined) {
  const { from, fromName, to, cc, bcc, replyTo, subject = "", text, html, attachments } = message;
  const Headers = outgoingHeadersWithoutId(message).map(({ name, value }) => ({ Name: name, Value: value }));
  const Attachments = attachments.map((each) => {
    const RawContent = requireContent(each).toString("base64");
    return { FileName: each.name, ContentType: each.contentType, RawContent };
  });
  return {
    FromEmailAddress: senderOf(from, fromName),
    Destination: { ToAddresses: [to], CcAddresses: cc, BccAddresses: bcc },
    ReplyToAddresses: replyTo === undefined ? undefined : [replyTo],
    Content: {
      Simple: {
        Subject: inUtf8(subject),
        Body: { Text: text ? inUtf8(text) : undefined, Html: html ? inUtf8(html) : undefined },
        ...{ Headers, Attachments },
      },
    },
    EmailTags: [{ Name: "reference", Value: message.reference }],
    ConfigurationSetName,
  };
}

const inUtf8 = (Data: string) => ({ Data, Charset: "UTF-8" });

/** SES takes ASCII alone here: another name is in encoded words, which must not be quoted, and of which each is short. */
function senderOf(from: string, name: string | undefined): string {
  if (name === undefined || /^[ -~]*$/.test(name)) return formatMailbox(from, name);
  const words = name.replace(/\p{Cc}+/gu, " ").match(/.{1,10}/gsu) ?? [];
  return `${words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString("base64")}?=`).join(" ")} <${from}>`;
}
