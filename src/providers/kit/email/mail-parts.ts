import { z } from "zod";
import { composeMail } from "../../../formats/mail.ts";
import { allOf, findHeader, type MailHeader } from "../../../formats/mail-headers.ts";
import { addressesOf, parseSender } from "../../../formats/mailbox.ts";
import { addWords, type GivenFile, unwrapFiles, withoutContent } from "../../../formats/mime.ts";
import type { ProviderMessage } from "../../../model.ts";
import { type Envelope, mail } from "../events.ts";

/** A mail that its provider has taken apart. Addresses are written as in their headers, which count where they are missing. */
export interface MailParts {
  from?: string | undefined;
  to?: string | undefined;
  cc?: string | undefined;
  bcc?: string | undefined;
  subject?: string | undefined;
  text?: string | undefined;
  html?: string | undefined;
  headers: MailHeader[];
  files: GivenFile[];
  envelope: Envelope;
}

/**
 * The message, with what its files wrap. It is known by the provider's id; where that has none for a mail, by its
 * Message-ID, or by what `id` makes of what came: the same when it comes again.
 */
export async function mailOfParts(parts: MailParts, id: string | (() => string)): Promise<ProviderMessage> {
  const { from, to, cc, bcc, subject, headers, envelope } = parts;
  const { words, files } = await unwrapFiles(parts.files);
  const { text, html } = addWords({ text: parts.text, html: parts.html }, words);
  const named = addressesOf(to ?? allOf(headers, "to"));
  const mailboxes = addressesOf(envelope.to);
  const content = composeMail({
    from: parseSender(from ?? findHeader(headers, "from")),
    ...{ to: named.length > 0 ? named : mailboxes, cc: addressesOf(cc ?? allOf(headers, "cc")), bcc: addressesOf(bcc) },
    ...{ subject: subject ?? findHeader(headers, "subject"), text, html },
    ...{ attachments: files.map(withoutContent), headers, envelopeSender: envelope.from },
  });
  return mail(typeof id === "string" ? id : (content.rfcMessageId ?? id()), content, mailboxes);
}

/** The contents of the files, those within others as well, in the order of the message's attachments. */
export const openParts = async (files: GivenFile[]): Promise<(Buffer | undefined)[]> =>
  (await unwrapFiles(files)).files.map(({ content }) => content?.());

/** Headers by their names, each with a value or a list of them. */
export const headersByName = z
  .record(z.string(), z.union([z.string().transform((value) => [value]), z.array(z.string())]))
  .transform((values) => Object.entries(values).flatMap(([name, all]) => all.map((value) => ({ name, value }))));
