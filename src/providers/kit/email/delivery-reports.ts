import { readDeliveryStatus } from "../../../formats/email/delivery-status.ts";
import { findHeader, parseMessageIds } from "../../../formats/mail-headers.ts";
import { normalizeMailbox } from "../../../formats/mailbox.ts";
import type { IgnoredEvent, Receipt } from "../../../model.ts";
import { receipt, type StatusWords } from "../events.ts";

/** A server that holds an email back tries again. What is relayed has gone to a server that reports no more. */
const words: StatusWords = { failed: "failed", gone: "bounced", delivered: "delivered", relayed: "sent" };

/** There is no such mailbox, it has moved, or its host takes no mail: https://www.iana.org/assignments/smtp-enhanced-status-codes */
const goneCodes = new Set(["5.1.1", "5.1.6", "5.1.10"]);

/**
 * What a mail server reports of an email that went out under a Message-ID of ours, for providers whose receipts come as
 * mail: an event for each recipient. Undefined for any other mail. Pure.
 */
export function deliveryReports(raw: Buffer): (Receipt | IgnoredEvent)[] | undefined {
  const report = readDeliveryStatus(raw);
  const [id] = parseMessageIds(findHeader(report?.original ?? [], "message-id"));
  if (!report || id === undefined) return undefined;
  return report.recipients.map(({ address, action, status, diagnostic }) => {
    const isGone = action === "failed" && goneCodes.has(status ?? "");
    return receipt(isGone ? "gone" : action, words, () => ({
      ...{ id, recipient: normalizeMailbox(address), code: status ?? action },
      message: diagnostic ?? `the provider says ${action}`,
    }));
  });
}
