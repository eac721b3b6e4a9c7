import { z } from "zod";
import { type FormField, formText, readForm } from "../formats/form.ts";
import { findHeader, type MailHeader, readMailHeaders } from "../formats/mail-headers.ts";
import { addressesOf, requireMailbox } from "../formats/mailbox.ts";
import type { Mail } from "../formats/mail.ts";
import { openMime, parseContentId, parseMime } from "../formats/mime.ts";
import { maybeText, parseValue } from "../formats/parse-value.ts";
import type { Attachment, WebhookRequest } from "../model.ts";

/** A mail that a Mailgun route posts, either as Mailgun parsed it or raw, in the form's `body-mime`. */
export async function readMail(fields: FormField[], sender: string | undefined): Promise<Mail> {
  const raw = rawMail(fields);
  return raw ? parseMime(raw, sender) : readParsed(fields, sender);
}

/** The files that are in the form itself, in the order of the mail's attachments; undefined for those that are stored. */
export async function openMail(fields: FormField[]): Promise<(Buffer | undefined)[]> {
  const raw = rawMail(fields);
  if (raw) return openMime(raw);
  const stored = pick(parsed, fields).attachments ?? [];
  return [...uploads(fields).map(({ content }) => content), ...stored.map(() => undefined)];
}

export function readFields(request: WebhookRequest): Promise<FormField[]> {
  return readForm(request.headers["content-type"] ?? "", request.body);
}

/** The fields that the schema names, and no other one decoded: some are files. */
export function pick<Shape extends z.ZodRawShape>(schema: z.ZodObject<Shape>, fields: FormField[]) {
  return parseValue(
    schema,
    Object.fromEntries(Object.keys(schema.shape).map((name) => [name, formText(fields, name)])),
  );
}

const rawMail = (fields: FormField[]) => fields.find((field) => field.name === "body-mime")?.content;

const storedFile = z.object({ name: maybeText, "content-type": maybeText, size: z.number().nullish(), url: maybeText });
const parsed = z.object({
  from: maybeText,
  subject: maybeText,
  "body-plain": maybeText,
  "body-html": maybeText,
  "message-headers": json(z.array(z.tuple([z.string(), z.string()], z.unknown()))),
  attachments: json(z.array(storedFile)),
  // By Content-ID the field of an uploaded file, or the URL of a stored one. No reason to lose a mail when it is spoiled.
  "content-id-map": json(z.record(z.string(), z.string())).catch(undefined),
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
  const contentIds = new Map(
    Object.entries(mail["content-id-map"] ?? {}).map(([id, file]) => [file, parseContentId(id)]),
  );
  return {
    from: from.address,
    fromName: from.name,
    to: addressesOf(findHeader(headers, "to")),
    cc: addressesOf(findHeader(headers, "cc")),
    bcc: [],
    subject: mail.subject,
    text: mail["body-plain"],
    html: mail["body-html"],
    attachments: [...uploadedFiles(fields, contentIds), ...storedFiles(mail.attachments ?? [], contentIds)],
    ...readMailHeaders(headers, sender),
  };
}

/** Every header is also a field of its own; `message-headers` has them in their order and with repetitions. */
function readHeaders(fields: FormField[], pairs: [string, string, ...unknown[]][] | undefined): MailHeader[] {
  if (!pairs) return fields.map(({ name, content }) => ({ name, value: content.toString("utf8") }));
  return pairs.map(([name, value]) => ({ name, value }));
}

type ContentIds = ReadonlyMap<string, string | undefined>;

const uploads = (fields: FormField[]) => fields.filter(({ name }) => /^attachment-\d+$/.test(name));

function uploadedFiles(fields: FormField[], contentIds: ContentIds): Attachment[] {
  return uploads(fields).map(({ name, filename, contentType, content }) => ({
    contentId: contentIds.get(name),
    name: parseValue(maybeText, filename),
    contentType: parseValue(maybeText, contentType),
    sizeBytes: content.length,
  }));
}

/** A route that stores keeps the files for some days and lists them in `attachments`; only the API key opens their URLs. */
function storedFiles(files: z.infer<typeof storedFile>[], contentIds: ContentIds): Attachment[] {
  return files.map(({ url, name, "content-type": contentType, size }) => ({
    url: /^https:\/\//i.test(url ?? "") ? url : undefined,
    contentId: contentIds.get(url ?? ""),
    name,
    contentType,
    sizeBytes: size ?? undefined,
  }));
}
