import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import type { ApiRequest } from "../../../calls/call-api.ts";
import type { RefusalCodes } from "../adapter.ts";
import { secret, setting, shape } from "../credentials.ts";
import { maybeText } from "../fields.ts";

export interface AwsKey {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  service: string;
}

/** A call of a path that is encoded already, without a query. Names of headers are in lower case. */
export interface AwsCall {
  method: "GET" | "POST";
  host: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

const algorithm = "AWS4-HMAC-SHA256";

/**
 * The headers of a signed call to AWS, by Signature Version 4, which covers the host, all of them and the body:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signAws({ method, host, path, headers, body }: AwsCall, key: AwsKey, at: Date): Record<string, string> {
  const time = at.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const sent = { ...headers, "x-amz-date": time };
  const covered = Object.entries({ ...sent, host }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = covered.map(([name]) => name).join(";");
  const lines = covered.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, " ")}\n`).join("");
  const asked = [method, path, "", lines, names, sha256(body)].join("\n");
  const scope = [time.slice(0, 8), key.region, key.service, "aws4_request"];
  const signed = [algorithm, time, scope.join("/"), sha256(asked)].join("\n");
  const signature = createHmac("sha256", derivedKey(key.secretAccessKey, scope)).update(signed).digest("hex");
  const credential = `Credential=${key.accessKeyId}/${scope.join("/")}`;
  return { ...sent, authorization: `${algorithm} ${credential}, SignedHeaders=${names}, Signature=${signature}` };
}

/** The same as a request, signed as of now. */
export function callAws(call: AwsCall, key: AwsKey): ApiRequest {
  const { method, host, path, body } = call;
  const request = { method, url: `https://${host}${path}`, headers: signAws(call, key, new Date()) };
  return body === "" ? request : { ...request, body };
}

/** The credentials by which a user of IAM signs, who may do so much. */
export const awsKeyFields = (permissions: string) => ({
  accessKeyId: setting(
    "Access key ID",
    `In the console of IAM under Users, Security credentials: of a user who may ${permissions}.`,
    shape(/^[A-Z\d]{16,128}$/, "must be capital letters and digits"),
  ),
  secretAccessKey: secret(
    "Secret access key",
    "Shown once, when the access key is made.",
    shape(/^[\w/+=]{16,128}$/, "must be letters, digits and the signs / + ="),
  ),
});

/** A refusal in AWS's words. A reason says more than a type, before which there may be a name space and a #. */
export const awsRefused = z
  .object({ __type: maybeText, Reason: maybeText, message: maybeText, Message: maybeText })
  .refine(({ __type, message, Message }) => (__type ?? message ?? Message) !== undefined)
  .transform(({ __type, Reason, message, Message }) => {
    const code = Reason ?? (__type?.replace(/^.*#(?=.)/s, "") || "refused");
    return { code, message: message ?? Message ?? `AWS says ${code}` };
  });

/** What any API of AWS may refuse by. */
export const awsRefusals: RefusalCodes = {
  ...{ ThrottlingException: "throttled", AccessDeniedException: "misconfigured" },
  ...{ UnrecognizedClientException: "misconfigured", InvalidSignatureException: "misconfigured" },
};

/** How an object of a bucket is got: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export function getS3Object(bucket: string, objectKey: string, key: Omit<AwsKey, "service">): ApiRequest {
  const host = `${bucket}.s3.${key.region}.amazonaws.com`;
  const path = `/${objectKey.split("/").map(encodeKey).join("/")}`;
  const headers = { "x-amz-content-sha256": sha256("") };
  return callAws({ method: "GET", host, path, headers, body: "" }, { ...key, service: "s3" });
}

const encodeKey = (part: string) =>
  encodeURIComponent(part).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Of the secret, for one day, region and service. */
function derivedKey(secret: string, scope: string[]): Buffer {
  const begin = Buffer.from(`AWS4${secret}`);
  return scope.reduce((key, part) => createHmac("sha256", key).update(part).digest(), begin);
}
