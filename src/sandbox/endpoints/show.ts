import type { Contact, Conversation, Entry, State, StoredMessage } from "../state.ts";
import { kindOf } from "./message-types.ts";

/** How conversations and messages are shown, with all that HighLevel's OpenAPI files require. */

export function showConversation({ id, contactId, locationId, unreadCount }: Conversation) {
  return { id, contactId, locationId, deleted: false, inbox: true, type: 1, unreadCount, starred: false };
}

export function showNewConversation({ id, contactId, locationId, dateAdded }: Conversation) {
  return { id, contactId, locationId, dateAdded, dateUpdated: dateAdded, lastMessageDate: dateAdded, deleted: false };
}

/** Among what a search has found. */
export function showFoundConversation(state: State, { id, contactId, locationId, entries, unreadCount }: Conversation) {
  const { name = "", email = "", phone = "" } = state.contacts.get(contactId) ?? ({} as Partial<Contact>);
  const last = entries.at(-1)?.messages.at(-1);
  return {
    ...{ id, contactId, locationId, type: "TYPE_PHONE", unreadCount },
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
    ...(first.callStatus === undefined ? {} : { meta: { callStatus: first.callStatus } }),
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
