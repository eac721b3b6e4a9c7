import { createHmac } from "node:crypto";
import { z } from "zod";
import type { Attachment, ProviderEvent, WebhookRequest } from "../model.ts";
import type { AdapterSpec } from "./adapter.ts";
import { type FormField, formText, readForm } from "./form.ts";
import { findHeader, type MailHeader, readMailHeaders } from "./mail-headers.ts";
import { addressesOf, requireMailbox } from "./mailbox.ts";
import { type Mail, parseMime } from "./mime.ts";
import { maybeText, messageId, parseJson, parseValue, requiredText } from "./parse-body.ts";
import { isFresh, isSame } from "./signature.ts";

const credentials = z.strictObject({
  signingKey: z.string().trim().min(16, "must be the HTTP webhook signing key from Mailgun's API security page"),
});

/**
 * Mailgun routes that post a mail to a URL, by `forward` or `store(notify=…)`:
 * https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http
 * Takes the form that Mailgun parsed, and the raw one (`body-mime`), which it posts to URLs that end in `mime`.
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
    return pick(signature, await readForm(typeOf(request), request.body));
  } catch {
    return undefined;
  }
}

const typeOf = (request: WebhookRequest) => request.headers["content-type"] ?? "";
const isJson = (request: WebhookRequest) => /^application\/json\b/i.test(typeOf(request));

/** The fields that the schema names, and no other one decoded: some are files. */
function pick<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, fields: FormField[]) {
  return parseValue(
    schema,
    Object.fromEntries(Object.keys(schema.shape).map((name) => [name, formText(fields, name)])),
  );
}

const event = z.object({ "event-data": z.object({ event: requiredText }) });
const inbound = z.object({ token: messageId, recipient: maybeText, sender: z.string().optional() });

async function parse(request: WebhookRequest): Promise<ProviderEvent[]> {
  if (isJson(request)) {
    const name = parseJson(event, request.body)["event-data"].event;
    return [{ kind: "ignored", reason: `event ${name}: only inbound mail is bridged` }];
  }
  const fields = await readForm(typeOf(request), request.body);
  const { token, recipient, sender } = pick(inbound, fields);
  const raw = fields.find((field) => field.name === "body-mime")?.content;
  const mail = raw ? await parseMime(raw, sender) : readParsed(fields, sender);
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

const parsed = z.object({
  from: maybeText,
  subject: maybeText,
  "body-plain": maybeText,
  "body-html": maybeText,
  "message-headers": json(z.array(z.tuple([z.string(), z.string()], z.unknown()))),
  attachments: json(z.array(z.object({ name: maybeText, "content-type": maybeText, size: z.number().nullish() }))),
});

function json<Output>(schema: z.ZodType<Output>) {
  const decoded = maybeText.transform((value, context) => {
    try {
      return value && JSON.parse(value);
    } catch {
      context.addIssue("is not JSON");
    }
  });
  return decoded.pipe(schema.optional());
}

function readParsed(fields: FormField[], sender: string | undefined): Mail {
  const mail = pick(parsed, fields);
  const headers = readHeaders(fields, mail["message-headers"]);
  const from = requireMailbox(mail.from ?? sender, "from");
  return {
    from: from.address,
    fromName: from.name,
    to: addressesOf(findHeader(headers, "to")),
    cc: addressesOf(findHeader(headers, "cc")),
    bcc: [],
    subject: mail.subject,
    text: mail["body-plain"],
    html: mail["body-html"],
    attachments: [...uploadedFiles(fields), ...storedFiles(mail.attachments)],
    ...readMailHeaders(headers, sender),
  };
}

/** Every header is also a field of its own; `message-headers` has them in their order and with repetitions. */
function readHeaders(fields: FormField[], pairs: [string, string, ...unknown[]][] | undefined): MailHeader[] {
  if (!pairs) return fields.map(({ name, content }) => ({ name, value: content.toString("utf8") }));
  return pairs.map(([name, value]) => ({ name, value }));
}

function uploadedFiles(fields: FormField[]): Attachment[] {
  const files = fields.filter(({ name }) => /^attachment-\d+$/.test(name));
  return files.map(({ filename, contentType, content }) => ({
    name: parseValue(maybeText, filename),
    contentType: parseValue(maybeText, contentType),
    sizeBytes: content.length,
  }));
}

/** A route that stores keeps the files, behind credentials of its own, and lists them in `attachments`. */
function storedFiles(files: z.infer<typeof parsed>["attachments"]): Attachment[] {
  return (files ?? []).map(({ name, "content-type": contentType, size }) => ({
    name,
    contentType,
    sizeBytes: size ?? undefined,
  }));
}
