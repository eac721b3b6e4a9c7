import { Failure } from "../errors.ts";
import { plainChatId } from "../formats/address.ts";
import { withReplyToken } from "../formats/email/tokens/reply-token.ts";
import { writeUnsubscribeToken } from "../formats/email/tokens/unsubscribe-token.ts";
import { escapeHtml } from "../formats/escape-html.ts";
import { cleanSubject } from "../formats/mail.ts";
import { parseSender } from "../formats/mailbox.ts";
import type { OutboundAttachment, OutboundMessage } from "../model.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import type { Message, MessageContent } from "../store/schema.ts";

export interface ComposeOutbound {
  mapping: Pick<MappingFacts, "id" | "accountId" | "channel" | "address" | "replyTokens" | "listUnsubscribe">;
  publicUrl: string;
  /** Proves the tokens that it carries. */
  emailSecret: Buffer;
  /** The person. */
  address: string;
  message: Pick<Message, "id" | "receivedAt" | "rfcMessageId">;
  content: MessageContent;
  attachments: OutboundAttachment[];
  /** Of an email that has HTML and no text: what its HTML says. */
  plainText?: string | undefined;
  /** URLs of files that cannot go along: the text names them. */
  unfetched: string[];
}

/** What a provider is asked to send for a message. Pure. Throws a Failure where no mailbox tells from whom. */
export function composeOutbound(about: ComposeOutbound): OutboundMessage {
  const { mapping, publicUrl, address, message, content, attachments, unfetched, plainText } = about;
  const reference = String(message.id);
  const text = [content.text, ...unfetched].filter(Boolean).join("\n");
  const common = {
    reference,
    to: address,
    attachments,
    receiptUrl: `${publicUrl}/webhooks/${mapping.accountId}?message=${reference}`,
  };
  if (mapping.channel === "sms") {
    const by = (number: string) => (content.service ? `${content.service}:${number}` : plainChatId(number));
    const parties = { from: by(mapping.address), to: by(address) };
    return { ...common, ...parties, cc: [], bcc: [], references: [], ...(text ? { text } : {}) };
  }
  const html = content.html && content.html + unfetched.map((url) => `<p>${escapeHtml(url)}</p>`).join("");
  return {
    ...common,
    ...answeredByToken(about, senderOf(mapping.address, content.from)),
    cc: content.cc,
    bcc: content.bcc,
    subject: cleanSubject(content.subject),
    text: [content.text || plainText, ...unfetched].filter(Boolean).join("\n"),
    html,
    rfcMessageId: message.rfcMessageId ?? undefined,
    inReplyTo: content.inReplyTo[0],
    references: content.references,
    unsubscribeUrl: unsubscribeUrlOf(about),
  };
}

/** Who got a copy would unsubscribe the person whom it was written to. */
function unsubscribeUrlOf(about: ComposeOutbound): string | undefined {
  const { mapping, publicUrl, message, content, emailSecret } = about;
  if (!mapping.listUnsubscribe || content.cc.length + content.bcc.length > 0) return undefined;
  const token = writeUnsubscribeToken(emailSecret, message);
  return `${publicUrl}/unsubscribe/${token}`;
}

/**
 * The mailbox that HighLevel shows, if it is of the mapping's domain; a provider would refuse another one. Answers must
 * come to the mapping's mailbox.
 */
function senderOf(mailbox: string, shown: string | undefined): Pick<OutboundMessage, "from" | "fromName" | "replyTo"> {
  const sender = parseSender(shown);
  const isOwn = sender !== undefined && domainOf(sender.address) === domainOf(mailbox);
  const from = isOwn ? sender.address : mailbox;
  if (mailbox.startsWith("*@")) {
    if (isOwn) return { from, fromName: sender.name, replyTo: undefined };
    const words = `the mapping stands for ${mailbox}: choose a sender of that domain in HighLevel, or map a mailbox`;
    throw new Failure("misconfigured", words);
  }
  return { from, fromName: sender?.name, replyTo: from === mailbox ? undefined : mailbox };
}

/** By the address that it comes to an answer tells what it is for, whatever the mail program leaves out. */
function answeredByToken(
  { mapping: { replyTokens }, message, emailSecret }: ComposeOutbound,
  sender: Pick<OutboundMessage, "from" | "fromName" | "replyTo">,
): typeof sender {
  if (!replyTokens) return sender;
  const { from, replyTo = from } = sender;
  return { ...sender, replyTo: withReplyToken(emailSecret, replyTo, message) ?? sender.replyTo };
}

const domainOf = (address: string) => address.slice(address.lastIndexOf("@") + 1);
