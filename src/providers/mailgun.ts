import { createHmac } from "node:crypto";
import { z } from "zod";
import { ParseError } from "../errors.ts";
import type { Attachment, ProviderEvent, WebhookRequest } from "../model.ts";
import type { AdapterSpec } from "./adapter.ts";
import { type MailHeader, parseMessageIds, readMailHeaders } from "./mail-headers.ts";
import { addressesOf, requireMailbox } from "./mailbox.ts";
import { parseMime } from "./mime.ts";
import { decodeJson, maybeText, parseJson, parseTime, parseValue, requiredText } from "./parse-body.ts";
import { isFresh, isSame } from "./signature.ts";

const credentials = z.strictObject({
  signingKey: z.string().trim().min(16, "must be the HTTP webhook signing key from Mailgun's API security page"),
});

/**
 * Mailgun routes that forward to a URL: https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store
 * Takes the parsed form and, for a URL that ends in /mime at Mailgun's side, the raw one (`body-mime`).
 */
export const mailgun: AdapterSpec<z.infer<typeof credentials>> = {
  channel: "email",
  contentTypes: ["multipart/form-data", "application/x-www-form-urlencoded", "application/json"],
  credentials,
  verify: (request, { signingKey }) => verify(request, signingKey),
  parse,
};

const signature = z.object({ timestamp: z.coerce.string(), token: z.string().min(1), signature: z.string().min(1) });

/**
 * HMAC-SHA256 of the timestamp and the token, all three in the body. Nothing else of the body is signed: TLS alone
 * protects it. https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
 */
async function verify(request: WebhookRequest, signingKey: string): Promise<boolean> {
  const found = await readSignature(request).catch(() => undefined);
  if (!found || !isFresh(found.timestamp, request.receivedAt)) return false;
  const expected = createHmac("sha256", signingKey)
    .update(found.timestamp + found.token)
    .digest("hex");
  return isSame(found.signature, expected);
}

async function readSignature(request: WebhookRequest): Promise<z.infer<typeof signature>> {
  if (isJson(request)) return parseJson(z.object({ signature }), request.body).signature;
  return parseValue(signature, Object.fromEntries(await readForm(request)));
}

const isJson = (request: WebhookRequest) => /^application\/json\b/i.test(request.headers["content-type"] ?? "");

async function readForm(request: WebhookRequest): Promise<FormData> {
  const headers = { "content-type": request.headers["content-type"] ?? "" };
  try {
    return await new Response(request.body, { headers }).formData();
  } catch {
    throw new ParseError("the body is not the form that its content type says");
  }
}

const event = z.object({ "event-data": z.object({ event: requiredText }) });
const form = z.object({
  "Message-Id": maybeText,
  token: requiredText,
  sender: z.string().optional(),
  from: maybeText,
  To: maybeText,
  recipient: maybeText,
  Cc: maybeText,
  Bcc: maybeText,
  subject: maybeText,
  "body-plain": maybeText,
  "body-html": maybeText,
  "body-mime": maybeText,
  "message-headers": maybeText,
  timestamp: maybeText,
});

async function parse(request: WebhookRequest): Promise<ProviderEvent[]> {
  if (isJson(request)) {
    const name = parseJson(event, request.body)["event-data"].event;
    return [{ kind: "ignored", reason: `event ${name}: only inbound mail is bridged` }];
  }
  const parts = await readForm(request);
  const mail = parseValue(form, Object.fromEntries(parts));
  if (mail["body-mime"]) {
    const message = await parseMime(mail["body-mime"]);
    // A retry of the webhook has the same Message-ID. Mail without one has nothing else that stays the same.
    return [{ kind: "message", providerMessageId: message.rfcMessageId ?? mail.token, ...message }];
  }
  const headers = readHeaderPairs(mail["message-headers"]);
  const { rfcMessageId = parseMessageIds(mail["Message-Id"])[0], ...facts } = readMailHeaders(headers, mail.sender);
  const from = requireMailbox(mail.from ?? mail.sender, "from");
  const to = addressesOf(mail.To ?? headerOf(headers, "to"));
  return [
    {
      kind: "message",
      providerMessageId: rfcMessageId ?? mail.token,
      from: from.address,
      fromName: from.name,
      to: to.length > 0 ? to : addressesOf(mail.recipient),
      cc: addressesOf(mail.Cc ?? headerOf(headers, "cc")),
      bcc: addressesOf(mail.Bcc),
      subject: mail.subject,
      text: mail["body-plain"],
      html: mail["body-html"],
      attachments: attachmentsOf(parts),
      rfcMessageId,
      ...facts,
      sentAt: facts.sentAt ?? parseTime(mail.timestamp && `${new Date(Number(mail.timestamp) * 1000).toISOString()}`),
    },
  ];
}

const headerPairs = z.array(z.tuple([z.string(), z.string()], z.unknown()));

function readHeaderPairs(json: string | undefined): MailHeader[] {
  if (!json) return [];
  return parseValue(headerPairs, decodeJson(json)).map(([name, value]) => ({ name, value }));
}

const headerOf = (headers: MailHeader[], name: string) =>
  headers.find((header) => header.name.toLowerCase() === name)?.value;

function attachmentsOf(parts: FormData): Attachment[] {
  return [...parts.values()].flatMap((part) =>
    typeof part === "string"
      ? []
      : { name: parseValue(maybeText, part.name), contentType: part.type || undefined, sizeBytes: part.size },
  );
}
