import { spellingsOf } from "../formats/mailbox.ts";
import type { OutboundRequest } from "../highlevel/webhook.ts";
import type { TextService } from "../model.ts";
import type { Conversation, MessageContent, NewMessage, Webhook } from "../store/schema.ts";

/** Why nothing can be sent, in words for the agent; and what HighLevel gave for an address. */
export interface Unreachable {
  problem: string;
  given: string | undefined;
}

/** As far as it is the same by whichever mapping it goes. */
export function messageOf(request: OutboundRequest, conversation: Conversation, webhook: Webhook) {
  return {
    conversationId: conversation.id,
    webhookId: webhook.id,
    origin: "highlevel" as const,
    direction: "outbound" as const,
    state: "queued" as const,
    requestedId: request.emailMessageId ?? request.messageId,
    highlevelMessageId: request.messageId,
    highlevelEmailMessageId: request.emailMessageId ?? null,
    content: contentOf(conversation, request),
    receivedAt: webhook.receivedAt,
  };
}

export function failed({ problem: message, given }: Unreachable): Pick<NewMessage, "state" | "error" | "recipients"> {
  const error = { code: "no_receiver", message };
  return { state: "failed", error, recipients: given === undefined ? {} : { [given]: { status: "failed", error } } };
}

/** The one that HighLevel names; without that the text goes by what the person wrote by last. */
export function serviceNamed(type: string): TextService | undefined {
  return ({ WhatsApp: "whatsapp", RCS: "rcs" } as const)[type as "WhatsApp" | "RCS"];
}

function contentOf({ address, service }: Conversation, request: OutboundRequest): MessageContent {
  const { emailFrom, emailTo, subject, message, html, attachments, replyToAltId, userId } = request;
  return {
    from: emailFrom,
    service: serviceNamed(request.type) ?? service ?? undefined,
    to: [spellingsOf(emailTo[0])[0] ?? address],
    // The conversation is with the first; nobody else whom the agent wrote to is left out.
    cc: spellingsOf(emailTo.slice(1).join(", "), [address]),
    bcc: [],
    subject,
    text: message,
    html,
    attachments: attachments.map((url) => ({ url })),
    inReplyTo: [],
    references: [],
    replyToAltId,
    isFromAgent: userId === undefined ? undefined : true,
  };
}
