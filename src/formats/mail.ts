import type { Attachment, ProviderMessage } from "../model.ts";
import { decodeText } from "./email/charset.ts";
import type { FormField } from "./form.ts";
import { type MailHeader, readMailHeaders } from "./mail-headers.ts";
import type { Mailbox } from "./mailbox.ts";
import { maybeText, parseValue } from "./parse-value.ts";
import { isSomebodysForm, requirePerson } from "./person.ts";

/** An email as its own text tells it: without what only the provider knows. */
export type Mail = Omit<ProviderMessage, "kind" | "providerMessageId">;

export interface MailFields extends Pick<Mail, "to" | "cc" | "bcc" | "subject" | "text" | "html" | "attachments"> {
  /** The From header's mailbox; undefined where that cannot be read. */
  from: Mailbox | undefined;
  /** All that are known: threads, the date, and whether a machine wrote it are read out of them. */
  headers: MailHeader[];
  /** More to be trusted than a Return-Path header. */
  envelopeSender?: string | undefined;
}

/**
 * An email that somebody else has parsed already. Its sender is the person: where From is a relay, the one for whom it
 * relays; where From cannot be read, whoever else the mail names. Throws a ParseError where it names nobody.
 */
export function composeMail({ from, headers, envelopeSender, subject, text, html, ...fields }: MailFields): Mail {
  const facts = readMailHeaders(headers, envelopeSender);
  const { person, replyTo } = requirePerson({ from, headers, envelopeSender, ...fields, ...facts });
  const isForm = facts.automatic === "auto_generated" && from && isSomebodysForm(from.address, person.address);
  return {
    from: person.address,
    fromName: shown(person.name),
    ...(person.spelling === undefined ? {} : { fromSpelling: person.spelling }),
    ...(replyTo ? { replyTo } : {}),
    ...fields,
    text: shown(text),
    html: shown(html),
    subject: cleanSubject(shown(subject)),
    ...facts,
    ...(isForm ? { automatic: undefined } : {}),
  };
}

/**
 * The quotes, dashes and euro signs of windows-1252, where somebody took its bytes for another charset's and made control
 * signs of them, which nobody writes.
 */
const shown = (text: string | undefined) =>
  text?.replace(/[\x80-\x9f]/g, (sign) => decodeText(Buffer.from(sign, "latin1"), "windows-1252"));

/** On one line: in another mail's header a line break would begin a header of the sender's choice. */
export function cleanSubject(subject: string | undefined): string | undefined {
  return subject?.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim() || undefined;
}
/** A file that was uploaded in a form, as the message's attachment. */
export function attachmentOf({ filename, contentType, content }: FormField, contentId: string | undefined): Attachment {
  const [name, type] = [filename, contentType].map((value) => parseValue(maybeText, value));
  return { contentId, name, contentType: type, sizeBytes: content.length };
}
