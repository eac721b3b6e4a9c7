import { readDeliveryStatus } from "../../formats/email/delivery-status.ts";
import { findHeader, parseMessageIds } from "../../formats/mail-headers.ts";
import { normalizeMailbox } from "../../formats/mailbox.ts";
import type { IgnoredEvent, Receipt } from "../../model.ts";
import { receipt, type StatusWords } from "./events.ts";

/** A server that holds an email back tries again. What is relayed has gone to a server that reports no more. */
const words: StatusWords = { failed: "failed", delivered: "delivered", relayed: "sent" };

/**
 * What a mail server reports of an email that went out under a Message-ID of ours, for providers whose receipts come as
 * mail: an event for each recipient. Undefined for any other mail. Pure.
 */
export function deliveryReports(raw: Buffer): (Receipt | IgnoredEvent)[] | undefined {
  const report = readDeliveryStatus(raw);
  const [id] = parseMessageIds(findHeader(report?.original ?? [], "message-id"));
  if (!report || id === undefined) return undefined;
  return report.recipients.map(({ address, action, status, diagnostic }) =>
    receipt(action, words, () => ({
      ...{ id, recipient: normalizeMailbox(address), code: status },
      ...(diagnostic === undefined ? {} : { message: diagnostic }),
    })),
  );
}
