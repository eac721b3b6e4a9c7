import { createHmac } from "node:crypto";
import { z } from "zod";
import type { CallApi } from "../calls/call-api.ts";
import { Failure } from "../errors.ts";
import { addressesOf, normalizeMailbox } from "../formats/mailbox.ts";
import { formatMailbox, requireContent, threadHeaders } from "../formats/outgoing-mail.ts";
import { messageId, parseJson } from "../formats/parse-body.ts";
import { maybeText, requiredText, text } from "../formats/parse-value.ts";
import type {
  MessageError,
  OutboundMessage,
  ProviderEvent,
  ReceiptStatus,
  SentMessage,
  WebhookRequest,
} from "../model.ts";
import { isSame } from "../secrets/compare.ts";
import type { AdapterSpec } from "./kit/adapter.ts";
import { isFresh } from "./kit/freshness.ts";
import { isReference } from "./kit/reference.ts";
import { requireCredential } from "./kit/require-credential.ts";
import { openMail, pick, readFields, readMail } from "./mailgun-mail.ts";

const credentials = z.strictObject({
  signingKey: z.string().trim().min(16, "must be the HTTP webhook signing key from Mailgun's API security page"),
  /** For sending, and for opening stored files. */
  apiKey: z
    .string()
    .trim()
    .regex(/^[\x21-\x7e]+$/, "must be an API key of Mailgun: the domain's sending key, or the account's")
    .optional(),
  /** For sending. */
  domain: z
    .string()
    .trim()
    .regex(/^[a-z\d-]+(\.[a-z\d-]+)+$/i, "must be the domain that sends, such as mg.example.com")
    .optional(),
  /** Where the domain is kept; `us` where it is not given. */
  region: z.enum(["us", "eu"], 'must be "us" or "eu": where the domain is kept').optional(),
});
type Credentials = z.infer<typeof credentials>;

/**
 * Mailgun: routes that post a mail to a URL, by `forward` or `store(notify=…)`
 * (https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http), in the form that Mailgun
 * parsed or the raw one, which it posts to URLs that end in `mime`; sending
 * (https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages) and receipts
 * (https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads).
 */
export const mailgun: AdapterSpec<Credentials> = {
  channel: "email",
  contentTypes: ["multipart/form-data", "application/x-www-form-urlencoded", "application/json"],
  credentials,
  verify: (request, { signingKey }) => verify(request, signingKey),
  parse,
  openFiles: async (request) => (isJson(request) ? [] : openMail(await readFields(request))),
  send,
  readError,
  media: {
    // A stored file is where its mail was taken in, such as storage-europe-west1.api.mailgun.net.
    hosts: ["api.mailgun.net", ".api.mailgun.net", "api.eu.mailgun.net"],
    headers: ({ apiKey }) => authorization(requireCredential(apiKey, "apiKey")),
  },
};

const signature = z.object({ timestamp: z.coerce.string(), token: z.string().min(1), signature: z.string().min(1) });

/**
 * HMAC-SHA256 of the timestamp and the token, all three in the body. Nothing else of the body is signed: TLS alone
 * protects it. https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
 * Mailgun does not say whether a retry, minutes to hours later, is signed anew; under its first timestamp it is stale.
 */
async function verify(request: WebhookRequest, signingKey: string): Promise<boolean> {
  const found = await findSignature(request);
  if (!found || !isFresh(found.timestamp, request.receivedAt)) return false;
  const expected = createHmac("sha256", signingKey)
    .update(found.timestamp + found.token)
    .digest("hex");
  return isSame(found.signature, expected);
}

async function findSignature(request: WebhookRequest): Promise<z.infer<typeof signature> | undefined> {
  try {
    if (isJson(request)) return parseJson(z.object({ signature }), request.body).signature;
    return pick(signature, await readFields(request));
  } catch {
    return undefined;
  }
}

const isJson = (request: WebhookRequest) => /^application\/json\b/i.test(request.headers["content-type"] ?? "");

const inbound = z.object({ token: messageId, recipient: maybeText, sender: z.string().optional() });

async function parse(request: WebhookRequest): Promise<ProviderEvent[]> {
  if (isJson(request)) return [readReceipt(request)];
  const fields = await readFields(request);
  const { token, recipient, sender } = pick(inbound, fields);
  const mail = await readMail(fields, sender);
  return [
    {
      kind: "message",
      // Mailgun has no id of its own for a mail. A retry has the same Message-ID; the rare mail without one, its token.
      providerMessageId: mail.rfcMessageId ?? token,
      ...mail,
      to: mail.to.length > 0 ? mail.to : addressesOf(recipient),
    },
  ];
}

/** Events that tell what became of an email. A `temporary failure` does not: Mailgun tries again. */
const statuses = new Map<string, { status: ReceiptStatus; hasError?: true }>([
  ["delivered", { status: "delivered" }],
  ["opened", { status: "read" }],
  ["complained", { status: "delivered", hasError: true }],
  ["permanent failure", { status: "failed", hasError: true }],
  ["rejected", { status: "failed", hasError: true }],
]);

/** Mailgun's id of an email is its Message-ID, in brackets or without. */
const mailId = text.transform((id) => id.trim().replace(/^<|>$/g, "")).pipe(messageId);
const event = z.object({ "event-data": z.object({ event: requiredText, severity: maybeText.catch(undefined) }) });
const reference = z.union([z.string(), z.number().transform(String)]).refine(isReference);
const receipt = z.object({
  "event-data": z.object({
    recipient: maybeText,
    message: z.object({ headers: z.object({ "message-id": mailId }) }),
    // Not only what the bridge sent comes through the domain: others may keep there what they like.
    "user-variables": z.object({ message: reference.optional() }).catch({}),
    "delivery-status": z
      .object({ code: z.union([z.number(), text]).nullish(), message: maybeText, description: maybeText })
      .nullish(),
    reason: maybeText,
    reject: z.object({ reason: maybeText }).nullish(),
  }),
});

function readReceipt(request: WebhookRequest): ProviderEvent {
  const { event: name, severity } = parseJson(event, request.body)["event-data"];
  const word = name === "failed" ? `${severity} failure` : name;
  const meaning = statuses.get(word);
  if (!meaning) return { kind: "ignored", reason: `event ${word}: it does not tell what became of an email` };

  const data = parseJson(receipt, request.body)["event-data"];
  return {
    kind: "receipt",
    reference: data["user-variables"].message,
    providerMessageId: data.message.headers["message-id"],
    status: meaning.status,
    recipient: normalizeMailbox(data.recipient ?? ""),
    error: meaning.hasError && errorOf(name, data),
  };
}

function errorOf(name: string, data: z.infer<typeof receipt>["event-data"]): MessageError {
  if (name === "complained") return { code: name, message: "the person marked it as spam" };
  const { code, message, description } = data["delivery-status"] ?? {};
  const words = message ?? description ?? data.reject?.reason ?? data.reason ?? name;
  return { code: String(code ?? data.reason ?? name), message: words };
}

const accepted = z.object({ id: mailId });

/** https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages */
async function send(message: OutboundMessage, given: Credentials, callApi: CallApi): Promise<SentMessage> {
  const headers = authorization(requireCredential(given.apiKey, "apiKey"));
  const domain = requireCredential(given.domain, "domain");
  const host = given.region === "eu" ? "api.eu.mailgun.net" : "api.mailgun.net";
  const { status, body } = await callApi({
    method: "POST",
    url: `https://${host}/v3/${domain}/messages`,
    headers,
    body: compose(message),
  });
  const { data } = accepted.safeParse(body);
  if (!data) throw new Failure("invalid_answer", "the answer has no id", { status, answer: body });
  return { providerMessageId: data.id, rfcMessageId: data.id === message.rfcMessageId ? undefined : data.id };
}

const authorization = (apiKey: string) => ({
  authorization: `Basic ${Buffer.from(`api:${apiKey}`).toString("base64")}`,
});

/** Of a header's field name Mailgun takes what follows `h:`. What is in `v:` comes back in receipts, and goes to the person as well. */
function compose(message: OutboundMessage): FormData {
  const form = new FormData();
  const append = (name: string, value: string | undefined) => value && form.append(name, value);
  append("from", formatMailbox(message.from, message.fromName));
  append("to", message.to);
  append("cc", message.cc.join(", "));
  append("bcc", message.bcc.join(", "));
  append("subject", message.subject);
  append("text", message.text);
  append("html", message.html);
  append("h:Reply-To", message.replyTo);
  for (const { name, value } of threadHeaders(message)) append(`h:${name}`, value);
  append("v:message", message.reference);
  for (const file of message.attachments) {
    const blob = new Blob([new Uint8Array(requireContent(file))], { type: file.contentType });
    form.append("attachment", blob, file.name);
  }
  return form;
}

/** Mailgun's refusals have words and no code: https://documentation.mailgun.com/docs/mailgun/api-reference/api-overview */
const refusal = z.object({ message: requiredText });

function readError(answer: unknown): MessageError | undefined {
  const { data } = refusal.safeParse(answer);
  return data && { code: "refused", message: data.message };
}
