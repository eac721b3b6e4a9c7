import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { ApiError } from "./api-error.ts";
import { createCaller, deliveryBody, type OutboundDraft, storeOutbound, type WebhookCall } from "./outbound.ts";
import { addConversation, type Conversation, type Provider, type State, type StoredMessage } from "./state.ts";

/** What an agent types. */
export const agentMessage = z.strictObject({
  contactId: z.string().min(1),
  providerId: z.string().optional(),
  /** Where it is not a plain text: the same provider sends it as well. */
  type: z.enum(["WhatsApp", "RCS", "GMB", "IG", "FB", "WebChat", "Live_Chat"]).optional(),
  message: z.string().optional(),
  html: z.string().optional(),
  subject: z.string().optional(),
  emailFrom: z.string().optional(),
  emailCc: z.array(z.string()).optional(),
  emailBcc: z.array(z.string()).optional(),
  attachments: z.array(z.string()).optional(),
  replyToMessageId: z.string().optional(),
});
export type AgentMessage = Omit<z.infer<typeof agentMessage>, "contactId">;

export interface Agent {
  /** What an agent types: stored at once, and its provider's delivery URL is called. */
  sendAsAgent(contactId: string, typed: AgentMessage): StoredMessage;
  send(conversation: Conversation, draft: OutboundDraft, options: { isScheduled: boolean }): StoredMessage;
  /** Posts an event of the app, signed, until it is taken. */
  postEvent(url: string, event: Record<string, unknown>): Promise<WebhookCall>;
  /** All calls of delivery URLs and webhooks so far. */
  calls: WebhookCall[];
}

/** The one who sits before the conversations, and what HighLevel does when one of them writes. */
export function createAgent(state: State, options: { privateKey: KeyObject; firstRetryMs: number }): Agent {
  const caller = createCaller(options.privateKey, options.firstRetryMs);

  const agent: Agent = {
    calls: caller.calls,
    postEvent: caller.call,
    send(conversation, draft, { isScheduled }) {
      const { provider } = draft;
      const message = storeOutbound(state, conversation, draft);
      const contact = state.contacts.get(conversation.contactId);
      if (isScheduled) message.status = "scheduled";
      else if (provider?.deliveryUrl && contact) {
        const altId = altIdOf(draft.replyToMessageId);
        void caller.call(provider.deliveryUrl, deliveryBody(message, contact, provider, altId));
      }
      return message;
    },
    sendAsAgent(contactId, typed) {
      const contact = state.contacts.get(contactId);
      if (!contact) throw new ApiError(400, `Contact with id ${contactId} not found`);
      const conversation = state.conversationByContact.get(contactId) ?? addConversation(state, contact);
      const { providerId, ...draft } = typed;
      const provider = findProvider(conversation, typed);
      if (!provider) throw new ApiError(400, `location ${contact.locationId} has no provider for this message`);
      const answered = state.emails.get(typed.replyToMessageId ?? "");
      const subject = typed.subject ?? (answered && replySubject(answered.subject));
      return agent.send(conversation, { ...draft, subject, provider }, { isScheduled: false });
    },
  };

  function altIdOf(messageId: string | undefined): string | undefined {
    if (messageId === undefined) return undefined;
    return state.emails.get(messageId)?.altId ?? state.entries.get(messageId)?.messages[0]?.altId;
  }

  /** The one that is named; else the one by which this person was last in touch; else the location's first that fits. */
  function findProvider(conversation: Conversation, { providerId, html }: AgentMessage): Provider | undefined {
    const channel = html === undefined ? "sms" : "email";
    const providers = state.locations.get(conversation.locationId)?.providers ?? [];
    if (providerId !== undefined) return providers.find((each) => each.id === providerId);
    const fitting = providers.filter((each) => each.channel === channel);
    const messages = conversation.entries.flatMap((entry) => entry.messages);
    const last = messages.findLast((message) => fitting.some((each) => each.id === message.conversationProviderId));
    return fitting.find((each) => each.id === last?.conversationProviderId) ?? fitting.find((each) => each.deliveryUrl);
  }
  return agent;
}

function replySubject(subject: string | undefined): string {
  return /^re:/i.test(subject ?? "") ? (subject ?? "") : `Re: ${subject ?? ""}`.trim();
}
