import type { ApiRequest, CallApi } from "../../calls/call-api.ts";
import { Failure, ParseError } from "../../errors.ts";
import type { OutboundMessage, WebhookRequest } from "../../model.ts";
import type { Adapter } from "../kit/adapter.ts";
import { decode } from "../kit/decode.ts";
import { sampleCredentials } from "./credential-fields.ts";
import { declaredProvider } from "./declared-provider.ts";
import type { DocumentIssue, Given } from "./document/credential-form.ts";
import type { SavedDocument, SendSample, WebhookSample } from "./document/document.ts";
import { findDifference } from "./find-difference.ts";
import { createEventReader } from "./read-events.ts";

const url = "https://bridge.example.com/webhooks/00000000-0000-4000-8000-000000000000";

/**
 * Does a document do what its samples say? Each webhook must mean that and prove nothing by itself, each message be that one
 * request, each answer read so, and each event be shown by a webhook. Nothing is called.
 */
export async function checkSamples(document: SavedDocument): Promise<DocumentIssue[]> {
  const adapter = declaredProvider(document);
  const { webhooks, sends } = document.samples;
  const issues: DocumentIssue[] = [];
  for (const [index, sample] of webhooks.entries()) {
    issues.push(...(await checkWebhook(document, adapter, sample)).map(under(["samples", "webhooks", index])));
  }
  issues.push(...(issues.length === 0 ? await checkShown(document) : []));
  for (const [index, sample] of sends.entries()) {
    issues.push(...(await checkSend(document, adapter, sample)).map(under(["samples", "sends", index])));
  }
  return issues;
}

const under =
  (above: DocumentIssue["path"]) =>
  ({ path, message }: DocumentIssue): DocumentIssue => ({ path: [...above, ...path], message });

async function checkWebhook(
  document: SavedDocument,
  adapter: Adapter<Given>,
  sample: WebhookSample,
): Promise<DocumentIssue[]> {
  const request = requestOf(document, sample);
  const bare = { ...request, headers: { "content-type": request.headers["content-type"] ?? "" } };
  if (await adapter.verify(bare, sampleCredentials(document))) {
    return [{ path: ["request"], message: "is accepted without its proof" }];
  }
  try {
    return findDifference(sample.means, toJson(await adapter.parse(request, sample.ownNumber)), ["means"]);
  } catch (error) {
    if (error instanceof ParseError)
      return [{ path: ["request", "body"], message: `cannot be read: ${error.message}` }];
    throw error;
  }
}

/** A request as a provider would post it, but for its proof. */
function requestOf(
  { receives }: Pick<SavedDocument, "receives">,
  { request }: Pick<WebhookSample, "request">,
): WebhookRequest {
  const contentType = request.contentType ?? receives.contentTypes[0] ?? "";
  const given = Object.entries({ ...request.headers, "content-type": contentType });
  return {
    url: `${url}${request.query ?? ""}`,
    headers: Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(bodyOf(request.body, contentType)),
    receivedAt: new Date(),
  };
}

function bodyOf(body: WebhookSample["request"]["body"], contentType: string): string {
  if (typeof body === "string") return body;
  if (!contentType.startsWith("application/x-www-form-urlencoded")) return JSON.stringify(body);
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body ?? {})) form.append(name, asText(value));
  return form.toString();
}

const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

async function checkShown(document: SavedDocument): Promise<DocumentIssue[]> {
  const reader = createEventReader(document);
  const shown = new Set<number>();
  for (const sample of document.samples.webhooks) {
    const webhook = await decode(requestOf(document, sample), document.receives.contentTypes);
    for (const hindrances of reader.explain(webhook)) shown.add(hindrances.indexOf(undefined));
  }
  return document.receives.events.flatMap((_, index) =>
    shown.has(index) ? [] : [{ path: ["receives", "events", index], message: "is shown by none of samples.webhooks" }],
  );
}

async function checkSend(
  document: SavedDocument,
  adapter: Adapter<Given>,
  sample: SendSample,
): Promise<DocumentIssue[]> {
  const { answer, sent, refused } = sample;
  const requests: ApiRequest[] = [];
  const callApi: CallApi = async (request) => {
    requests.push(request);
    if (answer.status > 299) throw new Failure("rejected", "refused", { status: answer.status, answer: answer.body });
    return { ...answer, headers: {} };
  };
  const given = adapter.credentials.parse(sampleCredentials(document, sample.with));
  const outcome = await adapter.send(messageOf(sample), given, callApi).catch((error: unknown) => error);
  if (outcome instanceof Error && !(outcome instanceof Failure)) throw outcome;
  const error = adapter.readError(answer.body);
  return [
    ...findDifference(sample.request, toJson(requests.map(describeRequest)[0]), ["request"]),
    ...findDifference(sent, outcome instanceof Failure ? undefined : toJson(outcome), ["sent"]),
    ...(sent === undefined ? findDifference(refused, toJson(error), ["refused"]) : []),
  ];
}

function messageOf({ message }: SendSample): OutboundMessage {
  return { ...message, cc: [], bcc: [], references: [], reference: "42", receiptUrl: `${url}?message=42` };
}

/** A form's fields as pairs, in their order. */
function describeRequest({ body, ...request }: ApiRequest): unknown {
  if (body === undefined) return request;
  return { ...request, body: body instanceof URLSearchParams ? [...body] : body };
}

const toJson = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
