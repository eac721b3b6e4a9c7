import PostalMime from "postal-mime";
import { ParseError } from "../errors.ts";
import type { InboundMessage } from "../model.ts";
import { readMailHeaders } from "./mail-headers.ts";
import { addressesOf, parseMailboxes } from "./mailbox.ts";
import { parseValue, text } from "./parse-body.ts";

/** A whole email (RFC 5322, MIME) as a message, but for the provider's id. */
export async function parseMime(raw: Buffer | string): Promise<Omit<InboundMessage, "kind" | "providerMessageId">> {
  const email = await PostalMime.parse(raw).catch((error: unknown) => {
    throw new ParseError(`the email is not MIME: ${error instanceof Error ? error.message : "unreadable"}`);
  });
  const headers = email.headers.map(({ key, value }) => ({ name: key, value }));
  const headerValue = (name: string) => headers.find((header) => header.name === name)?.value;
  const from = parseMailboxes(headerValue("from"))[0];
  if (!from) throw new ParseError("the email's From header holds no mailbox");
  return {
    from: from.address,
    fromName: from.name,
    to: addressesOf(headerValue("to")),
    cc: addressesOf(headerValue("cc")),
    bcc: addressesOf(headerValue("bcc")),
    subject: clean(email.subject),
    text: clean(email.text),
    html: clean(email.html),
    attachments: email.attachments.map(({ filename, mimeType, content }) => ({
      name: clean(filename ?? undefined),
      contentType: mimeType,
      sizeBytes: typeof content === "string" ? Buffer.byteLength(content) : content.byteLength,
    })),
    ...readMailHeaders(headers),
  };
}

const clean = (value: string | undefined) => (value ? parseValue(text, value) : undefined);
