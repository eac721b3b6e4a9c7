import type { AutomaticKind, InboundMessage } from "../model.ts";
import { parseMailboxes } from "./mailbox.ts";
import { parseTime } from "./parse-body.ts";

export interface MailHeader {
  name: string;
  value: string;
}

export type MailFacts = Pick<InboundMessage, "rfcMessageId" | "inReplyTo" | "references" | "automatic" | "sentAt">;

/** What the headers of an email say beyond its addresses and its subject. */
export function readMailHeaders(headers: MailHeader[], returnPath?: string): MailFacts {
  const find = (name: string) => headers.find((header) => header.name.toLowerCase() === name)?.value;
  return {
    rfcMessageId: parseMessageIds(find("message-id"))[0],
    inReplyTo: parseMessageIds(find("in-reply-to")),
    references: parseMessageIds(find("references")),
    automatic: automaticKind(find, returnPath ?? find("return-path")),
    sentAt: parseTime(find("date")),
  };
}

/**
 * The ids of a Message-ID, In-Reply-To or References header, without angle brackets, each once. Takes what clients
 * really write: folded lines, words between the ids, and ids without brackets.
 * https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4
 */
export function parseMessageIds(header: string | undefined): string[] {
  const line = (header ?? "").replaceAll("\0", "").toWellFormed();
  const bracketed = [...line.matchAll(/<([^<>]{1,998})>/g)].map((match) => (match[1] ?? "").replace(/\s/g, ""));
  const ids = bracketed.length > 0 ? bracketed : line.split(/[\s,]+/).filter((word) => word.includes("@"));
  return [...new Set(ids.filter(Boolean))];
}

/**
 * Did a machine write it? By RFC 3834 (https://www.rfc-editor.org/rfc/rfc3834) an automatic response says so in
 * Auto-Submitted; older software by Precedence or headers of its own. A bounce is a delivery status notification
 * (https://www.rfc-editor.org/rfc/rfc3464), comes from the mailer daemon, or from nobody at all: a null return path.
 */
function automaticKind(
  find: (name: string) => string | undefined,
  returnPath: string | undefined,
): AutomaticKind | undefined {
  const contentType = find("content-type") ?? "";
  if (/^multipart\/report\b/i.test(contentType) && /report-type="?delivery-status/i.test(contentType)) return "bounce";
  if (parseMailboxes(find("from")).some(({ address }) => address.startsWith("mailer-daemon@"))) return "bounce";

  const autoSubmitted = find("auto-submitted")?.split(";")[0]?.trim().toLowerCase();
  if (autoSubmitted && autoSubmitted !== "no") return "auto_reply";
  if (/^\s*(bulk|list|junk|auto_reply)\s*$/i.test(find("precedence") ?? "")) return "auto_reply";
  const own = ["x-autoreply", "x-autorespond", "x-auto-reply"].map(find);
  if (own.some((value) => value !== undefined && value.trim().toLowerCase() !== "no")) return "auto_reply";

  return returnPath !== undefined && /^\s*(<\s*>)?\s*$/.test(returnPath) ? "bounce" : undefined;
}
