import { Failure } from "../errors.ts";
import type { OutboundAttachment, OutboundMessage } from "../model.ts";
import type { MailHeader } from "./mail-headers.ts";

/** A long thread's first id and its latest: providers and servers bound what a header may take (SES: 870 characters). */
const maxCharacters = 800;

/**
 * The headers by which mail programs know an email and its thread, and let a person unsubscribe. Our own id is in it, where
 * we have one. https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4, https://www.rfc-editor.org/rfc/rfc8058#section-3.1
 */
export function outgoingHeaders({
  rfcMessageId,
  inReplyTo,
  references,
  unsubscribeUrl = "",
}: OutboundMessage): MailHeader[] {
  return [
    { name: "Message-ID", value: bracketed(rfcMessageId ? [rfcMessageId] : []) },
    { name: "In-Reply-To", value: bracketed([inReplyTo ?? ""].filter(fits)) },
    { name: "References", value: bracketed(shortened(references.filter(fits))) },
    { name: "List-Unsubscribe", value: unsubscribeUrl && `<${unsubscribeUrl}>` },
    { name: "List-Unsubscribe-Post", value: unsubscribeUrl && "List-Unsubscribe=One-Click" },
  ].filter(({ value }) => value !== "");
}

/**
 * The same for a provider that gives each email a Message-ID of its own: ours follows the references, which an answer repeats.
 */
export function outgoingHeadersWithoutId({ rfcMessageId, ...message }: OutboundMessage): MailHeader[] {
  const references = [...message.references, ...(rfcMessageId ? [rfcMessageId] : [])];
  return outgoingHeaders({ ...message, references });
}

/** The same for a provider of which nobody knows whether it keeps our Message-ID: it stands in both places. */
export function outgoingHeadersWithBoth(message: OutboundMessage): MailHeader[] {
  const own = outgoingHeaders(message).filter(({ name }) => name === "Message-ID");
  return [...own, ...outgoingHeadersWithoutId(message)];
}

function shortened([first, ...later]: string[]): string[] {
  if (first === undefined) return [];
  let left = maxCharacters - bracketed([first]).length;
  const dropped = later.findLastIndex((id) => {
    left -= bracketed([id]).length + 1;
    return left < 0;
  });
  return [first, ...later.slice(dropped + 1)];
}

/** An id that fills a header alone has the whole email refused. */
const fits = (id: string) => id !== "" && id.length + 2 <= maxCharacters;

const bracketed = (ids: string[]) => ids.map((id) => `<${id}>`).join(" ");

/** A mailbox as an address header has it; the name quoted, so that nothing in it is read as another address. */
export function formatMailbox(address: string, name: string | undefined): string {
  const words = (name ?? "").replace(/\p{Cc}+/gu, " ").trim();
  return words === "" ? address : `"${words.replace(/["\\]/g, "\\$&")}" <${address}>`;
}

/** Throws for a file that was not fetched: an email without it would be another email. */
export function requireContent({ name, content }: OutboundAttachment): Buffer {
  if (!content) throw new Failure("internal_error", `the content of the attachment ${name} was not fetched`);
  return content;
}
