import type { Attachment, ProviderMessage } from "../model.ts";
import type { FormField } from "./form.ts";
import { type MailHeader, readMailHeaders } from "./mail-headers.ts";
import type { Mailbox } from "./mailbox.ts";
import { maybeText, parseValue } from "./parse-value.ts";

/** An email as its own text tells it: without what only the provider knows. */
export type Mail = Omit<ProviderMessage, "kind" | "providerMessageId">;

export interface MailFields extends Pick<Mail, "to" | "cc" | "bcc" | "subject" | "text" | "html" | "attachments"> {
  from: Mailbox;
  /** All that are known: threads, the date, and whether a machine wrote it are read out of them. */
  headers: MailHeader[];
  /** More to be trusted than a Return-Path header. */
  envelopeSender?: string | undefined;
}

/** An email that somebody else has parsed already. */
export function composeMail({ from, headers, envelopeSender, ...fields }: MailFields): Mail {
  return { from: from.address, fromName: from.name, ...fields, ...readMailHeaders(headers, envelopeSender) };
}

/** A file that was uploaded in a form, as the message's attachment. */
export function attachmentOf({ filename, contentType, content }: FormField, contentId: string | undefined): Attachment {
  const [name, type] = [filename, contentType].map((value) => parseValue(maybeText, value));
  return { contentId, name, contentType: type, sizeBytes: content.length };
}
