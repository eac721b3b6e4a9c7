import type { ApiAnswer, ApiRequest, CallApi } from "../calls/call-api.ts";
import { Failure } from "../errors.ts";
import { decodeSecret, signWebhook } from "../providers/kit/standard-webhooks.ts";
import type { Endpoint } from "../registry/endpoints/endpoint-target.ts";
import type { EventBody } from "./compose-event.ts";
import { slackText } from "./slack-text.ts";

/** Posts an event, in the endpoint's format. Throws a Failure for every answer but a 2xx. */
export async function postToEndpoint(
  callApi: CallApi,
  endpoint: Endpoint,
  event: { id: string; body: EventBody; signal?: AbortSignal },
): Promise<ApiAnswer> {
  const { id, body, signal } = event;
  const request = endpoint.format === "slack" ? slackPost(endpoint, body) : signedPost(endpoint, id, body);
  return callApi(signal ? { ...request, signal } : request).catch((error: unknown) => {
    throw error instanceof Failure ? readRefusal(error) : error;
  });
}

/** Each attempt is signed anew: receivers refuse what is older than some minutes. The id stays. */
function signedPost({ url, secrets }: Endpoint, id: string, body: EventBody): ApiRequest {
  const now = new Date();
  // As bytes: what is signed is what is sent.
  const bytes = Buffer.from(JSON.stringify(body));
  const keys = secrets.flatMap((secret) => decodeSecret(secret) ?? []);
  const signed = keys.map((key) => signWebhook(key, `evt_${id}`, now, bytes));
  const signatures = signed.map((headers) => headers["webhook-signature"]).join(" ");
  const headers = { "content-type": "application/json", ...signed[0], "webhook-signature": signatures };
  return { method: "POST", url, headers, body: bytes };
}

function slackPost({ url }: Endpoint, body: EventBody): ApiRequest {
  return { method: "POST", url, headers: { "content-type": "application/json" }, body: { text: slackText(body) } };
}

/** As a redirect these say that the URL is wrong, or lets nobody in: that concerns all that waits, and is mended there. */
const aboutUrl = new Set([401, 403, 404, 405]);

/** A receiver's words may say what it was sent: they are not kept. */
function readRefusal(failure: Failure): Failure {
  const { status, retryAfterSeconds } = failure;
  if (status === undefined) return failure;
  const reason = status < 400 || aboutUrl.has(status) ? "misconfigured" : failure.reason;
  return new Failure(reason, `the endpoint answered ${status}`, { status, retryAfterSeconds });
}
