import { type KeyObject, randomUUID, sign } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  addEntry,
  type Contact,
  type Conversation,
  type Entry,
  type Provider,
  type State,
  type StoredMessage,
  threadEmail,
} from "./state.ts";

/** What somebody or something in HighLevel writes to a contact. */
export interface OutboundDraft {
  provider: Provider | undefined;
  /** Where it is neither a plain text nor an email, such as WhatsApp. */
  type?: string | undefined;
  message?: string | undefined;
  html?: string | undefined;
  subject?: string | undefined;
  emailFrom?: string | undefined;
  emailCc?: string[] | undefined;
  emailBcc?: string[] | undefined;
  attachments?: string[] | undefined;
  /** The message that it answers: an email's id, or that of a text. */
  replyToMessageId?: string | undefined;
}

/** Puts a message into its conversation, as yet only there; an email that answers one into that one's thread. */
export function storeOutbound(state: State, conversation: Conversation, draft: OutboundDraft): StoredMessage {
  const contact = state.contacts.get(conversation.contactId);
  const isEmail = draft.html !== undefined;
  const answered = isEmail ? state.emails.get(draft.replyToMessageId ?? "") : undefined;
  const entry: Entry = (answered && state.entries.get(answered.messageId)) ?? addEntry(state, conversation);
  const stored: StoredMessage = {
    locationId: conversation.locationId,
    contactId: conversation.contactId,
    conversationId: conversation.id,
    messageId: entry.id,
    type: draft.type ?? (isEmail ? "Email" : "SMS"),
    direction: "outbound",
    status: "pending",
    body: draft.message ?? "",
    attachments: draft.attachments ?? [],
    dateAdded: new Date().toISOString(),
    ...(draft.provider ? { conversationProviderId: draft.provider.id } : {}),
    ...(draft.replyToMessageId ? { replyToMessageId: draft.replyToMessageId } : {}),
  };
  if (isEmail) {
    const { html, subject, emailFrom, emailCc, emailBcc } = draft;
    Object.assign(stored, { html, subject, emailFrom, emailCc, emailBcc, emailTo: contact?.email });
    threadEmail(state, stored, answered);
  }
  entry.messages.push(stored);
  state.messages.push(stored);
  return stored;
}

/** A call to a delivery URL or another webhook, and how it was answered last; 0 for no answer. */
export interface WebhookCall {
  url: string;
  body: Record<string, unknown>;
  status: number;
  attempts: number;
}

const maxAttempts = 12;

/** Calls delivery URLs and webhooks, signed, again and again until a 2xx comes: https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide */
export function createCaller(privateKey: KeyObject, firstRetryMs: number) {
  const calls: WebhookCall[] = [];
  async function call(url: string, body: Record<string, unknown>): Promise<WebhookCall> {
    const text = JSON.stringify(body);
    const headers = {
      "Content-Type": "application/json",
      "X-GHL-Signature": sign(null, Buffer.from(text), privateKey).toString("base64"),
    };
    const made: WebhookCall = { url, body, status: 0, attempts: 0 };
    calls.push(made);
    while (made.attempts < maxAttempts) {
      made.attempts++;
      made.status = await fetch(url, { method: "POST", headers, body: text, redirect: "manual" }).then(
        (answer) => answer.status,
        () => 0,
      );
      if (made.status >= 200 && made.status < 300) return made;
      await sleep(firstRetryMs * 2 ** (made.attempts - 1), undefined, { ref: false });
    }
    return made;
  }
  return { call, calls };
}

/** What the delivery URL gets: no conversation, no provider, no cc and bcc. https://marketplace.gohighlevel.com/docs/webhook/ProviderOutboundMessage */
export function deliveryBody(message: StoredMessage, contact: Contact, provider: Provider, replyToAltId?: string) {
  const { contactId, locationId, messageId, emailMessageId, attachments } = message;
  const isEmail = emailMessageId !== undefined;
  const isPlain = message.type === "SMS" || message.type === "Email";
  return {
    contactId,
    locationId,
    messageId,
    type: provider.extra && isPlain ? (provider.takes ?? "Custom") : message.type,
    attachments,
    userId: "sandbox-agent",
    ...(isEmail
      ? {
          emailMessageId,
          emailTo: [contact.email],
          emailFrom: message.emailFrom ?? "",
          html: message.html,
          subject: message.subject ?? "",
        }
      : { phone: contact.phone, message: message.body }),
    ...(provider.extra && replyToAltId ? { replyToAltId } : {}),
    // Not on every call.
    ...(Math.random() < 0.5 ? { webhookId: randomUUID(), timestamp: new Date().toISOString() } : {}),
  };
}
