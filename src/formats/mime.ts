import { decodeWords } from "./email/encoded-words.ts";
import { readMail } from "./email/read-mail.ts";
import { composeMail, type Mail } from "./mail.ts";
import { allOf, findHeader } from "./mail-headers.ts";
import { addressesOf, parseSender } from "./mailbox.ts";
import { parseValue, text } from "./parse-value.ts";

export type { Mail } from "./mail.ts";

/** A whole email (RFC 5322, MIME). The envelope's sender where it is known. */
export async function parseMime(raw: Buffer | string, envelopeSender?: string): Promise<Mail> {
  const { headers, text, html, files } = await readMail(bytesOf(raw));
  return composeMail({
    from: parseSender(findHeader(headers, "from")),
    to: addressesOf(allOf(headers, "to")),
    cc: addressesOf(allOf(headers, "cc")),
    bcc: addressesOf(allOf(headers, "bcc")),
    subject: clean(decodeWords(findHeader(headers, "subject") ?? "")),
    text: clean(text),
    html: clean(html),
    attachments: files.map(({ name, contentType, contentId, content }) => ({
      contentId: parseContentId(contentId),
      name: clean(name),
      contentType: clean(contentType),
      sizeBytes: content.length,
    })),
    headers,
    envelopeSender,
  });
}

/** The contents of the email's files, in the order in which `parseMime` names them. */
export async function openMime(raw: Buffer | string): Promise<Buffer[]> {
  const { files } = await readMail(bytesOf(raw));
  return files.map(({ content }) => content);
}

/** A Content-ID without its angle brackets: what stands after `cid:` in the email's HTML. */
export function parseContentId(header: string | undefined): string | undefined {
  return clean(header?.trim().replace(/^<|>$/g, ""));
}

const bytesOf = (raw: Buffer | string) => (typeof raw === "string" ? Buffer.from(raw) : raw);

const clean = (value: string | undefined) => (value ? parseValue(text, value) : undefined);
