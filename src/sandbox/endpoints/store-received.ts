import { refuse } from "../api-error.ts";
import {
  addEntry,
  type Conversation,
  type ProviderChannel,
  type State,
  type StoredMessage,
  threadEmail,
} from "../state.ts";

/** What was posted of a message, and of which channel its provider is. */
export interface ReceivedMessage {
  channel: ProviderChannel;
  type: string;
  direction: string;
  altId?: string | undefined;
  message?: string | undefined;
  html?: string | undefined;
  subject?: string | undefined;
  emailFrom?: string | undefined;
  emailTo?: string | undefined;
  emailCc?: string[] | undefined;
  emailBcc?: string[] | undefined;
  /** The email that it answers. */
  emailMessageId?: string | undefined;
  conversationProviderId?: string | undefined;
  date?: string | undefined;
  attachments?: string[] | undefined;
  call?: { from?: string | undefined; to?: string | undefined; status?: string | undefined } | undefined;
}

/** Puts a message into its conversation; an email that answers one, into that one's thread. */
export function storeReceived(state: State, conversation: Conversation, received: ReceivedMessage): StoredMessage {
  const { channel, emailMessageId, message = "", date, attachments = [], call, ...given } = received;
  const answered = emailMessageId === undefined ? undefined : state.emails.get(emailMessageId);
  if (emailMessageId !== undefined && answered?.conversationId !== conversation.id) {
    throw refuse.code(400, `No message found for the id ${emailMessageId}`, "CONVERSATIONS_MSG_NOT_FOUND");
  }
  const entry = (answered && state.entries.get(answered.messageId)) ?? addEntry(state, conversation);
  const { contactId: _contactId, conversationId: _conversationId, ...known } = withoutMissing(given);
  const stored: StoredMessage = {
    ...(known as Pick<StoredMessage, "type" | "direction">),
    body: message,
    attachments,
    locationId: conversation.locationId,
    contactId: conversation.contactId,
    conversationId: conversation.id,
    messageId: entry.id,
    dateAdded: new Date(date ?? Date.now()).toISOString(),
    ...(channel === "call" ? { callStatus: call?.status ?? "completed" } : {}),
  };
  if (channel === "email") threadEmail(state, stored, answered);
  entry.messages.push(stored);
  state.messages.push(stored);
  if (stored.direction === "inbound") conversation.unreadCount++;
  return stored;
}

function withoutMissing(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
