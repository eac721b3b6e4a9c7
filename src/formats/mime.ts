import type { Email } from "postal-mime";
import { ParseError } from "../errors.ts";
import { composeMail, type Mail } from "./mail.ts";
import { findHeader } from "./mail-headers.ts";
import { addressesOf, requireMailbox } from "./mailbox.ts";
import { parseValue, text } from "./parse-value.ts";
import { readMail } from "./read-mail.ts";

/** A whole email (RFC 5322, MIME). The envelope's sender where it is known. */
export async function parseMime(raw: Buffer | string, envelopeSender?: string): Promise<Mail> {
  const email = await read(raw);
  const headers = email.headers.map(({ key, value }) => ({ name: key, value }));
  const headerValue = (name: string) => findHeader(headers, name);
  return composeMail({
    from: requireMailbox(headerValue("from"), "the email's From header"),
    to: addressesOf(headerValue("to")),
    cc: addressesOf(headerValue("cc")),
    bcc: addressesOf(headerValue("bcc")),
    subject: clean(email.subject),
    text: clean(email.text),
    html: clean(email.html),
    attachments: email.attachments.map(({ filename, mimeType, contentId, content }) => ({
      contentId: parseContentId(contentId),
      name: clean(filename ?? undefined),
      contentType: clean(mimeType),
      sizeBytes: bytesOf(content).length,
    })),
    headers,
    envelopeSender,
  });
}

/** The contents of the email's files, in the order in which `parseMime` names them. */
export async function openMime(raw: Buffer | string): Promise<Buffer[]> {
  const { attachments } = await read(raw);
  return attachments.map(({ content }) => bytesOf(content));
}

/** A Content-ID without its angle brackets: what stands after `cid:` in the email's HTML. */
export function parseContentId(header: string | undefined): string | undefined {
  return clean(header?.trim().replace(/^<|>$/g, ""));
}

function read(raw: Buffer | string): Promise<Email> {
  return readMail(typeof raw === "string" ? Buffer.from(raw) : raw).catch((error: unknown) => {
    if (error instanceof ParseError) throw error;
    throw new ParseError(`the email is not MIME: ${error instanceof Error ? error.message : "unreadable"}`);
  });
}

function bytesOf(content: Email["attachments"][number]["content"]): Buffer {
  if (typeof content === "string") return Buffer.from(content);
  return content instanceof ArrayBuffer
    ? Buffer.from(content)
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

const clean = (value: string | undefined) => (value ? parseValue(text, value) : undefined);
