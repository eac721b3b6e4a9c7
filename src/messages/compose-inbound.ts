import { escapeHtml } from "../formats/escape-html.ts";
import type { InboundPost } from "../highlevel/client.ts";
import type { CallFacts } from "../model.ts";
import type { Mapping } from "../registry/mappings.ts";
import type { CarriedAttachment, Conversation, Message, MessageContent } from "../store/schema.ts";
import { markOf } from "./aside/dmarc.ts";
import { properUrl } from "./proper-url.ts";
import { stripQuoted } from "./strip-quoted.ts";

/** HighLevel refuses a message without a text. An empty one that arrives says more than one that is lost. */
const noText = "(no text)";

export type ComposedMessage = Pick<Message, "direction" | "providerMessageId" | "sentAt" | "receivedAt"> & {
  content: MessageContent;
};

/** What to post for a message: the body of `POST /conversations/messages/inbound`. Pure. */
export function composeInbound(
  mapping: Pick<Mapping, "channel" | "type" | "conversationProviderId" | "address" | "stripQuoted"> &
    Partial<Pick<Mapping, "callProviderId" | "dmarcFailures">>,
  conversation: Pick<Conversation, "address" | "highlevelContactId" | "highlevelConversationId">,
  message: ComposedMessage,
  emailMessageId: string | undefined,
): InboundPost {
  const { content } = message;
  const urls = urlsOf(content);
  const providerId = (content.call ? mapping.callProviderId : mapping.conversationProviderId) ?? null;
  return {
    type: content.call ? "Call" : mapping.type,
    ...(providerId === null ? {} : { conversationProviderId: providerId }),
    ...(conversation.highlevelConversationId ? { conversationId: conversation.highlevelConversationId } : {}),
    ...(conversation.highlevelContactId ? { contactId: conversation.highlevelContactId } : {}),
    ...(message.providerMessageId === null ? {} : { altId: message.providerMessageId }),
    direction: message.direction,
    date: (message.sentAt ?? message.receivedAt).toISOString(),
    ...(urls.length > 0 ? { attachments: urls } : {}),
    ...(mapping.channel === "email"
      ? composeEmail(mapping, conversation.address, message, emailMessageId)
      : { message: composeText(content) }),
    ...(content.call ? { call: composeCall(mapping.address, conversation.address, message, content.call) } : {}),
  };
}

function composeCall(
  own: string,
  person: string,
  { direction }: Pick<ComposedMessage, "direction">,
  { status }: CallFacts,
): NonNullable<InboundPost["call"]> {
  return direction === "inbound" ? { from: person, to: own, status } : { from: own, to: person, status };
}

/** In words, as HighLevel shows of a call no more than that there was one. */
function wordsOfCall({ status, durationSeconds }: CallFacts): string {
  const seconds = Math.round(durationSeconds ?? 0);
  return seconds > 0 ? `Call: ${status}, ${durationOf(seconds)}` : `Call: ${status}`;
}

function durationOf(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return [hours && `${hours} h`, minutes && `${minutes} min`, seconds % 60 && `${seconds % 60} s`]
    .filter(Boolean)
    .join(" ");
}

/** Of the files that HighLevel can have. */
export function urlsOf({ attachments }: MessageContent): string[] {
  return attachments.flatMap(({ url, refusal }) => (refusal === undefined && url ? properUrl(url) : []));
}

/** What a text says in HighLevel. */
export function composeText(content: MessageContent): string {
  const call = content.call && wordsOfCall(content.call);
  const lines = [call, subjectOf(content), content.text, ...content.attachments.flatMap(nameWithoutUrl)];
  const text = lines.filter(Boolean).join("\n");
  return text || (urlsOf(content).length > 0 ? "" : noText);
}

/** An MMS has a subject, too: some phones put the words there, and others one that nobody wrote. */
function subjectOf({ subject, text }: MessageContent): string | undefined {
  const words = subject?.trim() ?? "";
  const isWritten = words !== "" && !/^\W*(no ?subject|multimedia message|mms|fwd?|re)\W*$/i.test(words);
  return isWritten && !text?.includes(words) ? words : undefined;
}

function composeEmail(
  mapping: Pick<Mapping, "address" | "stripQuoted"> & Partial<Pick<Mapping, "dmarcFailures">>,
  person: string,
  { direction, content }: ComposedMessage,
  emailMessageId: string | undefined,
): Partial<InboundPost> {
  const unsent = content.attachments.flatMap(nameWithoutUrl);
  const mark = direction === "inbound" ? markOf(mapping, content) : undefined;
  const withFiles = (text: string | undefined) => [mark, text, ...unsent].filter(Boolean).join("\n\n");
  const words = cut(content.text);
  const text = withFiles(words);
  const shownText = mapping.stripQuoted && words ? withFiles(stripQuoted(words, content.html)) : text;
  const html = content.html
    ? shownMark(mark) + showInline(content.html, content.attachments) + unsent.map(lineOf).join("")
    : `<div style="white-space:pre-wrap">${escapeHtml(text || noText)}</div>`;
  const emailCc = content.cc.filter((address) => address !== mapping.address);
  return {
    html,
    ...(shownText ? { message: shownText } : {}),
    ...(content.subject ? { subject: content.subject } : {}),
    ...partiesOf(mapping.address, person, { direction, content }),
    ...(emailCc.length > 0 ? { emailCc } : {}),
    ...(content.bcc.length > 0 ? { emailBcc: content.bcc } : {}),
    ...(emailMessageId ? { emailMessageId } : {}),
  };
}

/** Nobody writes more; to make HTML of many millions would keep the process from all others. */
const maxText = 1_000_000;

function cut(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= maxText) return text;
  return `${text.slice(0, maxText).toWellFormed()}\n\n[${text.length - maxText} more characters are left out here]`;
}

const lineOf = (line: string) => `<p>${escapeHtml(line)}</p>`;

/** Whatever styles the email brings. */
const shownMark = (mark = "") =>
  mark && `<p style="all:initial!important;display:block!important">${escapeHtml(mark)}</p>`;

/** Ours is the mapping's mailbox; of a mapping for a whole domain the one that the email names, or none that it would invent. */
function partiesOf(
  own: string,
  person: string,
  { direction, content: { from, to } }: Pick<ComposedMessage, "direction" | "content">,
): Partial<InboundPost> {
  const isDomain = own.startsWith("*@");
  if (direction === "outbound")
    return { emailTo: person, ...(isDomain ? from && { emailFrom: from } : { emailFrom: own }) };
  const isOurs = (address: string) => (isDomain ? address.endsWith(own.slice(1)) : address === own);
  const emailTo = to.find(isOurs) ?? to[0] ?? (isDomain ? undefined : own);
  return { emailFrom: person, ...(emailTo === undefined ? {} : { emailTo }) };
}

/**
 * `src="cid:logo@x"` means the file with that Content-ID, https://www.rfc-editor.org/rfc/rfc2392: it is replaced by the
 * file's URL. The file stays among the attachments too, for whoever reads the text alone.
 */
function showInline(html: string, attachments: CarriedAttachment[]): string {
  const urls = new Map(
    attachments.flatMap(({ contentId, url, refusal }) =>
      contentId && url && refusal === undefined ? [[contentId.toLowerCase(), properUrl(url)] as const] : [],
    ),
  );
  if (urls.size === 0) return html;
  return html.replace(contentIdUrl, (whole, before: string, quote: string, id: string) => {
    const url = urls.get(decodeContentId(id));
    return url === undefined ? whole : `${before}${quote}${escapeHtml(url)}${quote}`;
  });
}

const contentIdUrl = /(\b(?:src|background)\s*=\s*|\burl\(\s*)(["']?)cid:([^"'\s<>)]+)\2/gi;

function decodeContentId(text: string): string {
  const id = text.replaceAll("&amp;", "&");
  try {
    return decodeURIComponent(id).toLowerCase();
  } catch {
    return id.toLowerCase();
  }
}

/** A file that cannot be handed on as a URL is named, so that nobody thinks there was none. */
function nameWithoutUrl({ url, name, contentType, sizeBytes, refusal }: CarriedAttachment): string[] {
  if (url && refusal === undefined) return [];
  const facts = [contentType, sizeBytes === undefined ? undefined : `${Math.ceil(sizeBytes / 1000)} kB`];
  const why = refusal === undefined ? "" : `: ${refusal}`;
  return [`[Attachment: ${[name ?? "file", ...facts].filter(Boolean).join(", ")}${why}]`];
}
