import { attachmentOf, composeMail } from "../../../formats/mail.ts";
import { allOf, findHeader, type MailHeader } from "../../../formats/mail-headers.ts";
import { parseSender } from "../../../formats/mailbox.ts";
import { addWords, type GivenFile, unwrapFiles, withoutContent } from "../../../formats/mime.ts";
import type { ProviderMessage } from "../../../model.ts";
import type { DecodedWebhook } from "../decode.ts";
import { addressesIn, type Boxes, type Envelope, mail } from "./mails.ts";

/** A mail that its provider has taken apart. Where its addresses or its subject are undefined, the headers count. */
export interface MailParts {
  from?: string | undefined;
  to?: Boxes;
  cc?: Boxes;
  bcc?: Boxes;
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
  const named = addressesIn(to ?? allOf(headers, "to"));
  const content = composeMail({
    from: parseSender(from ?? findHeader(headers, "from")),
    to: named.length > 0 || to !== undefined ? named : addressesIn(envelope.to),
    ...{ cc: addressesIn(cc ?? allOf(headers, "cc")), bcc: addressesIn(bcc) },
    ...{ subject: subject ?? findHeader(headers, "subject"), text, html },
    ...{ attachments: files.map(withoutContent), headers, envelopeSender: envelope.from ?? undefined },
  });
  return mail(typeof id === "string" ? id : (content.rfcMessageId ?? id()), content, envelope);
}

/** The contents of the files, those within others as well, in the order of the message's attachments. */
export const openParts = async (files: GivenFile[]): Promise<(Buffer | undefined)[]> =>
  (await unwrapFiles(files)).files.map(({ content }) => content?.());

/** The files that a form holds in fields of such names, with the Content-ID of each by the name of its field. */
export const uploadsIn = (
  { fields }: DecodedWebhook,
  named: RegExp,
  contentIds: ReadonlyMap<string, string | undefined>,
): GivenFile[] =>
  fields
    .filter(({ name }) => named.test(name))
    .map((file) => ({ ...attachmentOf(file, contentIds.get(file.name)), content: () => file.content }));

/** What a provider gives as fields of their own, as the headers that they are. */
export const asHeaders = (fields: Record<string, Boxes>): MailHeader[] =>
  Object.entries(fields).flatMap(([name, boxes]) => {
    const value = [boxes ?? []].flat().join(", ");
    return value === "" ? [] : [{ name, value }];
  });
