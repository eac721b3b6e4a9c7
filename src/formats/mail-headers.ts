import type { ProviderMessage } from "../model.ts";
import { automaticKind, isBounceByEnvelope, isFromList } from "./automatic-kind.ts";
import { decodeWords } from "./email/encoded-words.ts";
import { findHeader, type MailHeader } from "./email/header.ts";

export { findHeader, type MailHeader };

export type MailFacts = Pick<
  ProviderMessage,
  "rfcMessageId" | "inReplyTo" | "references" | "automatic" | "isBounceByEnvelope" | "isFromList" | "sentAt"
>;

/**
 * What the headers of an email say beyond its addresses and its subject. The envelope's sender, where the provider
 * tells it, is more to be trusted than a Return-Path header.
 */
export function readMailHeaders(headers: MailHeader[], envelopeSender?: string): MailFacts {
  const find = (name: string) => findHeader(headers, name);
  const returnPath = envelopeSender ?? find("return-path");
  const inReplyTo = parseMessageIds(allOf(headers, "in-reply-to"));
  const references = parseMessageIds(allOf(headers, "references"));
  const isAnswer = inReplyTo.length + references.length > 0;
  return {
    rfcMessageId: parseMessageIds(find("message-id"))[0],
    inReplyTo,
    references,
    automatic: automaticKind(headers, returnPath),
    ...(isAnswer && isBounceByEnvelope(headers, returnPath) ? { isBounceByEnvelope: true } : {}),
    ...(isFromList(headers) ? { isFromList: true } : {}),
    sentAt: parseMailDate(find("date")),
  };
}

/** All headers of this name, given in lower case, as one: some programs write a header for each mailbox. */
export function allOf(headers: MailHeader[], name: string): string | undefined {
  const values = headers.filter((header) => header.name.toLowerCase() === name).map(({ value }) => value);
  return values.length > 0 ? values.join(", ") : undefined;
}

/**
 * The ids of a Message-ID, In-Reply-To or References header, without angle brackets, each once. Takes what clients
 * really write: folded lines, words between the ids, ids without brackets, and ids in encoded words or escaped as in HTML
 * or a URL. What is longer than a line of mail may be is no id, and of very many those count that are last, which are the
 * newest. https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4
 */
export function parseMessageIds(header: string | undefined): string[] {
  const line = unescapeBrackets(decodeWords((header ?? "").slice(-maxIdCharacters)))
    .replaceAll("\0", "")
    .toWellFormed();
  const bracketed = [...line.matchAll(/<([^<>]{1,998})>/g)].map((match) => (match[1] ?? "").replace(/\s/g, ""));
  const ids = bracketed.length > 0 ? bracketed : line.split(/[\s,;<>()[\]"']+/).filter((word) => word.includes("@"));
  return [...new Set(ids.filter((id) => id !== "" && Buffer.byteLength(id) <= 998))];
}

/** Some thousand ids. */
const maxIdCharacters = 100_000;

function unescapeBrackets(line: string): string {
  if (line.includes("<")) return line;
  const plain = line.replace(/&lt;|&#0?60;/gi, "<").replace(/&gt;|&#0?62;/gi, ">");
  if (!/[%=]3c[^<>\s]*[%=]3e/i.test(plain)) return plain;
  return plain
    .replace(/[%=]3c/gi, "<")
    .replace(/[%=]3e/gi, ">")
    .replace(/[%=]40/g, "@");
}

/** Without a zone, or with one that RFC 5322 does not know, a date would be read in this machine's zone. */
const mailDate =
  /^\s*(?:[a-z]{3,9}\.?,?\s*)?(\d{1,2}\s+[a-z]{3,9}\s+(?:\d{4}|\d{2})\s+\d{1,2}:\d{2}(?::\d{2})?)\s+(?:(?:UTC?|GMT|Z)?\s?([+-]\d{2}):?(\d{2})|(UTC?|GMT|Z|[ECMP][SD]T))(?![\w:+-])/i;

/** A Date header (https://www.rfc-editor.org/rfc/rfc5322#section-3.3); `undefined` for what is none, and for no time that mail can have. */
export function parseMailDate(header: string | undefined): Date | undefined {
  const [, dayAndTime, hours, minutes, zone] = mailDate.exec(header ?? "") ?? [];
  const time = new Date(`${dayAndTime} ${zone ?? `${hours}${minutes}`}`);
  const isAbsurd =
    Math.abs(Number(hours ?? 0)) > 14 ||
    Number.isNaN(time.getTime()) ||
    time.getUTCFullYear() < firstYear ||
    time.getUTCFullYear() > lastYear;
  return isAbsurd ? undefined : time;
}

/** Clocks that were never set begin in 1970, 1980 or 2000, and one of 2099 is none either. */
const firstYear = 2001;
const lastYear = 2090;
