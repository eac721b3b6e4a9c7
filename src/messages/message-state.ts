import type { FailureReason } from "../errors.ts";
import type { Channel, MessageError, MessageState, Receipt } from "../model.ts";
import type { Message, RecipientFate } from "../store/schema.ts";

/**
 * States only go forward, in whatever order receipts come. A text that was delivered had not failed after all; an email
 * may be accepted by the person's server and come back later. An email that was read has arrived. That the person marked it
 * as spam says most: whoever wrote it must see it.
 */
const ranks: Record<Channel, Record<MessageState, number>> = {
  sms: { received: 0, queued: 0, sent: 1, failed: 2, delivered: 3, read: 4, complained: 5 },
  email: { received: 0, queued: 0, sent: 1, delivered: 2, failed: 3, read: 4, complained: 5 },
};

/** Nobody writes an email to more; and a provider may name whom it likes, again and again. */
const maxRecipients = 200;

/** Nobody knew whether it had been sent, and so it had failed. Any receipt says that it was sent after all. */
const unconfirmed: FailureReason = "unconfirmed";

/**
 * The message as a receipt leaves it; the very same object when it tells nothing new. What becomes of an email with
 * somebody in cc does not change what became of it with the person whom it is for. Pure.
 */
export function applyReceipt(
  about: { channel: Channel; address: string; message: Message },
  receipt: Receipt,
): Message {
  const { channel, address, message } = about;
  const { recipient = address } = receipt;
  const isUnconfirmed = message.state === "failed" && message.error?.code === unconfirmed;
  const known: Fate = isUnconfirmed ? { status: "sent" } : { status: message.state, error: message.error ?? undefined };
  const fate = recipient === address ? fold(channel, known, receipt) : known;
  const isLeftOut = channel === "email" && isOneTooMany(about, recipient);
  const recipients = isLeftOut ? message.recipients : recipientsAfter(about, receipt);
  const isRenamed = receipt.rfcMessageId !== undefined && receipt.rfcMessageId !== message.rfcMessageId;
  const isNew = isUnconfirmed || isRenamed || isLeftOut || fate !== known || recipients !== message.recipients;
  if (!isNew && message.providerMessageId !== null) return message;
  return {
    ...message,
    providerMessageId: message.providerMessageId ?? receipt.providerMessageId,
    rfcMessageId: receipt.rfcMessageId ?? message.rfcMessageId,
    state: fate.status,
    error: fate.error ?? null,
    recipients,
    leftOut: isLeftOut ? (message.leftOut ?? 0) + 1 : message.leftOut,
  };
}

type About = Parameters<typeof applyReceipt>[0];

/** Of further recipients is kept how many receipts came. */
function isOneTooMany({ address, message: { recipients } }: About, recipient: string): boolean {
  if (recipient === address || recipients?.[recipient]) return false;
  return Object.keys(recipients ?? {}).length >= maxRecipients;
}

/** What became of an email with each whom it went to; the very same object when it tells nothing new. */
function recipientsAfter({ channel, address, message: { recipients } }: About, receipt: Receipt) {
  const { recipient = address } = receipt;
  const known = recipients?.[recipient];
  if (channel === "sms") return recipients;
  const fate = fold(channel, known, receipt);
  return fate === known ? recipients : { ...recipients, [recipient]: fate as RecipientFate };
}

interface Fate {
  status: MessageState;
  error?: MessageError | undefined;
}

/** What is known with a receipt; the very same object when it tells nothing new. */
function fold<Known extends Fate>(channel: Channel, known: Known | undefined, receipt: Receipt): Known | RecipientFate {
  const { status, error } = receipt;
  if (!known) return { status, error };
  const isRecovery = known.status === "failed";
  if (ranks[channel][status] > ranks[channel][known.status]) {
    return { status, error: error ?? (isRecovery ? undefined : known.error) };
  }
  const isRemark = error !== undefined && known.error === undefined && (status !== "failed" || isRecovery);
  return isRemark ? { ...known, error } : known;
}

/** A text's `sent` has no word in HighLevel. */
export function isWorthReporting(channel: Channel, before: Message, after: Message): boolean {
  if (channel === "email") return before.state !== after.state || before.recipients !== after.recipients;
  return before.state !== after.state && after.state !== "sent";
}

/**
 * A message is seldom visible to the status calls sooner than `visibleAfterSeconds` after HighLevel had us send it. When that was,
 * PostgreSQL's clock tells: a process whose own clock is behind it waits no longer.
 */
export function reportInSeconds(visibleAfterSeconds: number, { receivedAt }: Pick<Message, "receivedAt">): number {
  const ageSeconds = Math.max(0, (Date.now() - receivedAt.getTime()) / 1000);
  return Math.max(0, visibleAfterSeconds - ageSeconds);
}
