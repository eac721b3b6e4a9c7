import type { InboundPost } from "../highlevel/client.ts";
import type { Attachment } from "../model.ts";
import type { Conversation, Message, MessageContent } from "../store/schema.ts";
import type { Mapping } from "./mappings.ts";

/** HighLevel refuses a message without a text. An empty one that arrives says more than one that is lost. */
const noText = "(no text)";

export type ComposedMessage = Pick<Message, "providerMessageId" | "sentAt" | "receivedAt"> & {
  content: MessageContent;
};

/** What to post for a message: the body of `POST /conversations/messages/inbound`. Pure. */
export function composeInbound(
  mapping: Pick<Mapping, "channel" | "type" | "conversationProviderId" | "address">,
  conversation: Pick<Conversation, "address" | "highlevelContactId" | "highlevelConversationId">,
  message: ComposedMessage,
  emailMessageId: string | undefined,
): InboundPost {
  const { content } = message;
  const urls = content.attachments.flatMap((attachment) => attachment.url ?? []);
  return {
    type: mapping.type,
    conversationProviderId: mapping.conversationProviderId,
    ...(conversation.highlevelConversationId ? { conversationId: conversation.highlevelConversationId } : {}),
    ...(conversation.highlevelContactId ? { contactId: conversation.highlevelContactId } : {}),
    altId: message.providerMessageId,
    direction: "inbound",
    date: (message.sentAt ?? message.receivedAt).toISOString(),
    ...(urls.length > 0 ? { attachments: urls } : {}),
    ...(mapping.channel === "email"
      ? composeEmail(mapping, conversation.address, content, emailMessageId)
      : { message: composeText(content, urls) }),
  };
}

function composeText(content: MessageContent, urls: string[]): string {
  const text = [content.text, ...content.attachments.flatMap(nameWithoutUrl)].filter(Boolean).join("\n");
  return text || (urls.length > 0 ? "" : noText);
}

function composeEmail(
  mapping: Pick<Mapping, "address">,
  from: string,
  content: MessageContent,
  emailMessageId: string | undefined,
): Partial<InboundPost> {
  const unsent = content.attachments.flatMap(nameWithoutUrl);
  const text = [content.text, ...unsent].filter(Boolean).join("\n\n");
  const html = content.html
    ? content.html + unsent.map((line) => `<p>${escapeHtml(line)}</p>`).join("")
    : `<div style="white-space:pre-wrap">${escapeHtml(text || noText)}</div>`;
  const emailCc = content.cc.filter((address) => address !== mapping.address);
  return {
    html,
    ...(text ? { message: text } : {}),
    ...(content.subject ? { subject: content.subject } : {}),
    emailFrom: from,
    emailTo: content.to.includes(mapping.address) ? mapping.address : (content.to[0] ?? mapping.address),
    ...(emailCc.length > 0 ? { emailCc } : {}),
    ...(content.bcc.length > 0 ? { emailBcc: content.bcc } : {}),
    ...(emailMessageId ? { emailMessageId } : {}),
  };
}

/** A file that cannot be handed on as a URL is named, so that nobody thinks there was none. */
function nameWithoutUrl({ url, name, contentType, sizeBytes }: Attachment): string[] {
  if (url) return [];
  const facts = [contentType, sizeBytes === undefined ? undefined : `${Math.ceil(sizeBytes / 1000)} kB`];
  return [`[Attachment: ${[name ?? "file", ...facts].filter(Boolean).join(", ")}]`];
}

const htmlEntities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => htmlEntities[character] ?? character);
}
