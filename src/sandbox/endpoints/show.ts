import type { Contact, Conversation, Entry, State, StoredMessage } from "../state.ts";

/** How conversations and messages are shown, with all that HighLevel's OpenAPI files require. */

export function showConversation({ id, contactId, locationId }: Conversation) {
  return { id, contactId, locationId, deleted: false, inbox: true, type: 1, unreadCount: 0, starred: false };
}

export function showNewConversation({ id, contactId, locationId, dateAdded }: Conversation) {
  return { id, contactId, locationId, dateAdded, dateUpdated: dateAdded, lastMessageDate: dateAdded, deleted: false };
}

/** Among what a search has found. */
export function showFoundConversation(state: State, { id, contactId, locationId, entries }: Conversation) {
  const { name = "", email = "", phone = "" } = state.contacts.get(contactId) ?? ({} as Partial<Contact>);
  const last = entries.at(-1)?.messages.at(-1);
  return {
    ...{ id, contactId, locationId, type: "TYPE_PHONE", unreadCount: 0 },
    lastMessageBody: last?.body ?? "",
    lastMessageType: last ? kindOf(state, last).messageType : "TYPE_SMS",
    ...{ fullName: name, contactName: name, email, phone },
  };
}

/** A text, or a thread of emails. The list leaves the bodies of emails out; they are read one by one. */
export function showEntry(state: State, { id, messages: [first, ...others] }: Entry) {
  if (!first) throw new Error(`there is nothing in entry ${id}`);
  const { locationId, contactId, conversationId, conversationProviderId, direction, dateAdded, attachments } = first;
  const messageIds = [first, ...others].flatMap(({ emailMessageId }) => emailMessageId ?? []);
  const isEmail = messageIds.length > 0;
  const email = state.settings.emailMeta === "plain" ? { messageIds } : { email: { messageIds } };
  return {
    ...{ id, altId: shownAltId(state, first), ...kindOf(state, first) },
    ...{ locationId, contactId, conversationId, conversationProviderId, direction, dateAdded, attachments },
    status: first.status ?? "delivered",
    contentType: isEmail ? "text/html" : "text/plain",
    ...(isEmail ? { meta: { email } } : { body: first.body }),
  };
}

export function showEmail(state: State, email: StoredMessage) {
  const { emailMessageId, threadId, locationId, contactId, conversationId, conversationProviderId } = email;
  const { direction, dateAdded, subject, attachments, replyToMessageId, status = "delivered" } = email;
  const writer = direction === "inbound" ? state.contacts.get(contactId)?.email : undefined;
  return {
    ...{ id: emailMessageId, altId: shownAltId(state, email), threadId },
    ...{ locationId, contactId, conversationId, conversationProviderId },
    ...{ direction, dateAdded, subject, attachments, replyToMessageId },
    body: email.html ?? email.body,
    contentType: "text/html",
    from: email.emailFrom ?? writer ?? "",
    to: email.emailTo === undefined ? [] : [email.emailTo],
    ...{ cc: email.emailCc ?? [], bcc: email.emailBcc ?? [] },
    // Here there is no such word.
    status: status === "clicked" ? "opened" : status,
    provider: "custom",
  };
}

function shownAltId({ settings }: State, { altId }: StoredMessage): string | undefined {
  return settings.showsAltIds ? altId : undefined;
}

interface Kind {
  type: number;
  messageType: string;
}
const kind = (type: number, messageType: string): Kind => ({ type, messageType });

/** The numbers are the places of the words in HighLevel's list; 1, 2, 3, 10, 19, 22 and 34 are documented or were seen. */
const kinds: Record<string, Kind> = {
  Call: kind(1, "TYPE_CALL"),
  SMS: kind(2, "TYPE_SMS"),
  Email: kind(3, "TYPE_EMAIL"),
  WebChat: kind(5, "TYPE_WEBCHAT"),
  FB: kind(11, "TYPE_FACEBOOK"),
  GMB: kind(15, "TYPE_GMB"),
  IG: kind(18, "TYPE_INSTAGRAM"),
  WhatsApp: kind(19, "TYPE_WHATSAPP"),
  Live_Chat: kind(29, "TYPE_LIVE_CHAT"),
};

/** What came through an extra provider, and what was sent by one. */
const extraKinds = {
  inbound: { sms: kind(22, "TYPE_CUSTOM_PROVIDER_SMS"), email: kind(23, "TYPE_CUSTOM_PROVIDER_EMAIL") },
  outbound: { sms: kind(20, "TYPE_CUSTOM_SMS"), email: kind(21, "TYPE_CUSTOM_EMAIL") },
};

function kindOf(state: State, { locationId, type, direction, conversationProviderId }: StoredMessage): Kind {
  const providers = state.locations.get(locationId)?.providers ?? [];
  const provider = providers.find(({ id }) => id === conversationProviderId);
  if (provider?.extra) return extraKinds[direction === "inbound" ? "inbound" : "outbound"][provider.channel];
  return kinds[type] ?? kind(2, "TYPE_SMS");
}
