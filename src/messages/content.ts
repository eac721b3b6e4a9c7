import { isChatId } from "../formats/address.ts";
import type { ProviderMessage } from "../model.ts";
import type { MessageContent } from "../store/schema.ts";

/** Of what a provider told of a message, what is kept until RETENTION_DAYS end. */
export function contentOf(message: ProviderMessage): MessageContent {
  const { fromName, fromSpelling, to, cc, bcc, subject, text, html, attachments, inReplyTo, references } = message;
  const isSent = message.direction === "outbound";
  const from = isSent ? { from: message.from } : {};
  // Whom an email that we sent names is us, not the person.
  const isOurName = isSent && !isChatId(message.from) && message.from.includes("@");
  const call = message.call ? { call: message.call } : {};
  const verdicts = message.verdicts ? { verdicts: message.verdicts } : {};
  const tokens = message.replyTokens?.length ? { replyTokens: message.replyTokens } : {};
  const contact = message.contact ? { contact: message.contact } : {};
  return {
    ...from,
    ...contact,
    ...call,
    ...tokens,
    ...verdicts,
    fromName: isOurName ? undefined : fromName,
    fromSpelling,
    to,
    cc,
    bcc,
    subject,
    text,
    html,
    attachments,
    inReplyTo,
    references,
  };
}
