import { type DeliveryStatus, readDeliveryStatus } from "../../../formats/email/delivery-status.ts";
import { type FeedbackReport, readFeedbackReport } from "../../../formats/email/feedback-report.ts";
import { readPlainBounce } from "../../../formats/email/plain-bounce.ts";
import { findHeader, type MailHeader, parseMessageIds } from "../../../formats/mail-headers.ts";
import { normalizeMailbox } from "../../../formats/mailbox.ts";
import type { IgnoredEvent, Receipt } from "../../../model.ts";
import { receipt, type StatusWords } from "../events.ts";

/**
 * What a mail says that became of an email which went out under a Message-ID of ours, an event for each recipient: a report
 * of delivery, or a complaint. Undefined for any other mail. Pure.
 */
export function mailReports(raw: Buffer): (Receipt | IgnoredEvent)[] | undefined {
  // Most mails are none, and need not be taken apart for it.
  if (!mayReport.test(raw.toString("latin1", 0, maxHeadBytes))) return undefined;
  const status = readDeliveryStatus(raw) ?? readPlainBounce(raw);
  if (status) return about(status, (id) => receiptsOf(id, status));
  const feedback = readFeedbackReport(raw);
  return feedback && about(feedback, (id) => complaintsOf(id, feedback));
}

const mayReport = /multipart\/report|^x-failed-recipients:|^hi\. this is the/im;
const maxHeadBytes = 200_000;

/** By its Message-ID, which whoever never had it does not know. */
function about<Event>({ original }: { original: MailHeader[] }, read: (id: string) => Event[]): Event[] | undefined {
  const [id] = parseMessageIds(findHeader(original, "message-id"));
  return id === undefined ? undefined : read(id);
}

/** A server that holds an email back tries again. What is relayed has gone to a server that reports no more. */
const words: StatusWords = { failed: "failed", gone: "bounced", delivered: "delivered", relayed: "sent" };

/** There is no such mailbox, it has moved, or its host takes no mail: https://www.iana.org/assignments/smtp-enhanced-status-codes */
const goneCodes = new Set(["5.1.1", "5.1.6", "5.1.10"]);

const receiptsOf = (id: string, { recipients }: DeliveryStatus) =>
  recipients.map(({ address, action, status, diagnostic }) => {
    const isGone = action === "failed" && goneCodes.has(status ?? "");
    return receipt(isGone ? "gone" : action, words, () => ({
      ...{ id, recipient: normalizeMailbox(address), code: status ?? action },
      message: diagnostic ?? `the provider says ${action}`,
    }));
  });

/** What a person says by a button. Nor is it a complaint that a filter found a virus, or that it was no spam after all. */
const feedbackWords: StatusWords = { abuse: "complained", fraud: "complained", "opt-out": "unsubscribed" };

const complaintsOf = (id: string, { type, recipients }: FeedbackReport) =>
  (recipients.length > 0 ? recipients : [""]).map((recipient) =>
    receipt(type, feedbackWords, () => ({ id, recipient: normalizeMailbox(recipient) })),
  );
