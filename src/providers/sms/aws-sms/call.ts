import type { ApiRequest } from "../../../calls/call-api.ts";
import { callAws } from "../../kit/recipes/aws-signature.ts";
import { regionOf } from "../../kit/recipes/sns.ts";

export interface AwsAccount {
  topicArn: string;
  accessKeyId: string;
  secretAccessKey: string;
  configurationSet?: string | undefined;
  messageType?: string | undefined;
}

/** A call of the API of texts, which is in the region of the topic: https://docs.aws.amazon.com/general/latest/gr/end-user-messaging.html */
export function callSmsVoice({ topicArn, ...keys }: AwsAccount, action: string, payload: object): ApiRequest {
  const region = regionOf(topicArn);
  const host = `sms-voice.${region}.amazonaws.com`;
  const body = JSON.stringify(payload);
  const named = { "content-type": "application/x-amz-json-1.0", "x-amz-target": `PinpointSMSVoiceV2.${action}` };
  const key = { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey, region, service: "sms-voice" };
  return callAws({ method: "POST", host, path: "/", headers: named, body }, key);
}
