import type { AutomaticKind, ProviderMessage } from "../model.ts";
import { parseMailboxes } from "./mailbox.ts";
import { readTime } from "./read-time.ts";

export interface MailHeader {
  name: string;
  value: string;
}

export type MailFacts = Pick<ProviderMessage, "rfcMessageId" | "inReplyTo" | "references" | "automatic" | "sentAt">;

/**
 * What the headers of an email say beyond its addresses and its subject. The envelope's sender, where the provider
 * tells it, is more to be trusted than a Return-Path header.
 */
export function readMailHeaders(headers: MailHeader[], envelopeSender?: string): MailFacts {
  const find = (name: string) => findHeader(headers, name);
  return {
    rfcMessageId: parseMessageIds(find("message-id"))[0],
    inReplyTo: parseMessageIds(find("in-reply-to")),
    references: parseMessageIds(find("references")),
    automatic: automaticKind(find, envelopeSender ?? find("return-path")),
    sentAt: parseMailDate(find("date")),
  };
}

/** The first header of this name, given in lower case: what comes first was put there last, by who is nearest to us. */
export function findHeader(headers: MailHeader[], name: string): string | undefined {
  return headers.find((header) => header.name.toLowerCase() === name)?.value;
}

/**
 * The ids of a Message-ID, In-Reply-To or References header, without angle brackets, each once. Takes what clients
 * really write: folded lines, words between the ids, and ids without brackets. What is longer than a line of mail may
 * be is no id. https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4
 */
export function parseMessageIds(header: string | undefined): string[] {
  const line = (header ?? "").replaceAll("\0", "").toWellFormed();
  const bracketed = [...line.matchAll(/<([^<>]{1,998})>/g)].map((match) => (match[1] ?? "").replace(/\s/g, ""));
  const ids = bracketed.length > 0 ? bracketed : line.split(/[\s,;<>()[\]"']+/).filter((word) => word.includes("@"));
  return [...new Set(ids.filter((id) => id !== "" && Buffer.byteLength(id) <= 998))];
}

/** Without a zone, or with one that RFC 5322 does not know, a date would be read in this machine's zone. */
const mailDate =
  /^\s*(?:[a-z]{3,9},?\s*)?\d{1,2}\s+[a-z]{3,9}\s+(?:\d{2}|\d{4})\s+\d{1,2}:\d{2}(?::\d{2})?\s+(?:[+-]\d{2}:?\d{2}|UT|UTC|GMT|Z|[ECMP][SD]T)\b/i;

/** A Date header (https://www.rfc-editor.org/rfc/rfc5322#section-3.3); `undefined` for what is none. */
export function parseMailDate(header: string | undefined): Date | undefined {
  return readTime(header, mailDate);
}

/**
 * Did a machine write it? By RFC 3834 (https://www.rfc-editor.org/rfc/rfc3834) an automatic response says so in
 * Auto-Submitted; older software by Precedence or headers of its own, Exchange by X-Auto-Response-Suppress (only `All`:
 * lesser values stand on people's mail too). Any other report than a bounce is a receipt. A bounce is a delivery status
 * notification (https://www.rfc-editor.org/rfc/rfc3464), or comes from the mailer daemon, or from nobody at all.
 */
function automaticKind(
  find: (name: string) => string | undefined,
  returnPath: string | undefined,
): AutomaticKind | undefined {
  const contentType = find("content-type") ?? "";
  const isReport = /^\s*multipart\/report\b/i.test(contentType);
  if (isReport && /report-type\s*=\s*"?delivery-status\b/i.test(contentType)) return "bounce";
  if (parseMailboxes(find("from")).some(({ address }) => /^(mailer-daemon|postmaster)@/.test(address))) return "bounce";

  const saysSo =
    isReport ||
    isOtherThanNo(find("auto-submitted")) ||
    /^\s*(bulk|list|junk|auto_reply)\b/i.test(find("precedence") ?? "") ||
    /^\s*all\b/i.test(find("x-auto-response-suppress") ?? "") ||
    ["x-autoreply", "x-autorespond", "x-auto-reply"].some((name) => isOtherThanNo(find(name)));
  if (saysSo) return "auto_reply";

  return returnPath !== undefined && /^(<\s*>)?$/.test(returnPath.trim()) ? "bounce" : undefined;
}

function isOtherThanNo(value: string | undefined): boolean {
  return value !== undefined && value.trim() !== "" && !/^\s*no\b/i.test(value);
}
