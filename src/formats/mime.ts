import type { Attachment } from "../model.ts";
import { decodeWords } from "./email/encoded-words.ts";
import { parseStructured } from "./email/header-parameters.ts";
import { joinWords, type Words } from "./email/mail-words.ts";
import { type MailFile, openWrapping, readMail } from "./email/read-mail.ts";
import { composeMail, type Mail } from "./mail.ts";
import { allOf, findHeader, type MailHeader } from "./mail-headers.ts";
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
    attachments: files.map(attachmentOf),
    headers,
    envelopeSender,
  });
}

/** A file as a provider names it that has taken an email apart itself; its content, if that came along. */
export interface GivenFile extends Attachment {
  content?: (() => Buffer) | undefined;
}

/**
 * What an email says and holds beyond what its provider has read: words in attached emails, signed ones and winmail.dat,
 * which the provider leaves closed, and the files in those. The other files stay as they are.
 */
export async function unwrapFiles(given: GivenFile[]): Promise<{ words: Words[]; files: GivenFile[] }> {
  const words: Words[] = [];
  const files: GivenFile[] = [];
  for (const file of given) {
    const { name, contentType = "application/octet-stream", content } = file;
    const isLikely = mayWrap.test(`${contentType} ${name ?? ""}`);
    const opened =
      content && isLikely
        ? await openWrapping({ name, contentType: contentType.toLowerCase(), content: content() })
        : undefined;
    if (opened) words.push(opened);
    const inside = opened?.files.map((each) => ({ ...attachmentOf(each), content: () => each.content }));
    files.push(...(inside ?? [file]));
  }
  return { words: words.filter(({ text, html }) => text || html), files };
}

const mayWrap = /message\/|pkcs7|pgp|tnef|\.eml$|\.p7[ms]$|winmail\.dat$/i;

/** What a provider has read of an email's words, and what it has left in files. */
export function addWords(read: Words, words: Words[]): Words {
  return words.length > 0 ? joinWords([read, ...words]) : read;
}

/** As the message keeps it. */
export const withoutContent = ({ content: _, ...attachment }: GivenFile): Attachment => attachment;

function attachmentOf({ name, contentType, contentId, content }: MailFile): Attachment {
  return {
    contentId: parseContentId(contentId),
    name: clean(name),
    contentType: clean(contentType),
    sizeBytes: content.length,
  };
}

/** A file as the headers of its part name it; its content is elsewhere. */
export function fileOfHeaders(headers: MailHeader[]): Omit<GivenFile, "content"> {
  const find = (name: string) => parseStructured(findHeader(headers, name));
  const [type, disposition] = [find("content-type"), find("content-disposition")];
  const name = disposition.parameters.get("filename") ?? type.parameters.get("name");
  const contentId = parseContentId(findHeader(headers, "content-id"));
  return { contentId, name: clean(name && decodeWords(name)), contentType: clean(type.value) };
}

/** The headers of an email, of which the rest is elsewhere. */
export async function readHeaders(block: string): Promise<MailHeader[]> {
  return (await readMail(Buffer.from(`${block.trimEnd()}\r\n\r\n`))).headers;
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
