import type { Channel } from "../model.ts";
import { defaultSettings, type SandboxSettings } from "./settings.ts";

/** What the sandbox remembers, as HighLevel would. In memory, gone with the process. */

/** A call provider logs calls that were made elsewhere; it sends nothing. */
export type ProviderChannel = Channel | "call";

export interface Provider {
  id: string;
  channel: ProviderChannel;
  /** As it is shown; its id where there is none. */
  name?: string | undefined;
  /** An extra provider beside the location's default one; it takes type `Custom`. */
  extra: boolean;
  /** Which type an extra one takes, where that is not `Custom`. */
  takes?: string | undefined;
  /** Called for each message that it is to send. */
  deliveryUrl?: string | undefined;
}

export interface Location {
  id: string;
  token: string | undefined;
  providers: Provider[];
  /** The agency that it belongs to. */
  companyId?: string | undefined;
}

export interface Contact {
  id: string;
  locationId: string;
  phone?: string;
  email?: string;
  /** By which it is found as well. */
  additionalPhones?: string[];
  additionalEmails?: string[];
  name?: string;
  /** By channel, such as `SMS`: `active` says that it is not to be written to. */
  dndSettings?: Partial<Record<string, { status: string; message?: string | undefined; code?: string | undefined }>>;
}

/** Whose access token it is. */
export type TokenHolder = ({ locationId: string } | { companyId: string }) & { expiresAtMs: number };

/** One message as it was accepted. */
export interface StoredMessage {
  locationId: string;
  contactId: string;
  conversationId: string;
  /** The entry's id; the emails of one thread share one entry. */
  messageId: string;
  emailMessageId?: string;
  threadId?: string;
  type: string;
  direction: string;
  altId?: string;
  body: string;
  html?: string;
  subject?: string;
  emailFrom?: string;
  emailTo?: string;
  emailCc?: string[];
  emailBcc?: string[];
  attachments: string[];
  conversationProviderId?: string;
  dateAdded: string;
  /** Of an outbound message: what became of it, and all that it was told. */
  status?: string;
  statuses?: string[];
  error?: { code: string; type: string; message: string };
  recipients?: Record<string, { status: string; failReason?: string | undefined }>;
  /** Of an email: what was counted of it. */
  events?: Record<string, number>;
  replyToMessageId?: string;
  /** Of a call. */
  callStatus?: string;
}

/** What the list of a conversation's messages shows: a text, or a whole email thread. */
export interface Entry {
  id: string;
  index: number;
  messages: StoredMessage[];
}

export interface Conversation {
  id: string;
  locationId: string;
  contactId: string;
  dateAdded: string;
  entries: Entry[];
  /** Counts what came in, also what is of long ago. */
  unreadCount: number;
}

export interface State {
  settings: SandboxSettings;
  locations: Map<string, Location>;
  locationByToken: Map<string, Location>;
  /** Access tokens of the marketplace app. */
  oauthTokens: Map<string, TokenHolder>;
  contacts: Map<string, Contact>;
  /** By location and address, as in `loc|+15005550006`. */
  contactByAddress: Map<string, Contact>;
  conversations: Map<string, Conversation>;
  conversationByContact: Map<string, Conversation>;
  entries: Map<string, Entry>;
  emails: Map<string, StoredMessage>;
  /** In the order in which they were accepted. */
  messages: StoredMessage[];
}

export function createState(): State {
  return {
    settings: { ...defaultSettings },
    locations: new Map(),
    locationByToken: new Map(),
    oauthTokens: new Map(),
    contacts: new Map(),
    contactByAddress: new Map(),
    conversations: new Map(),
    conversationByContact: new Map(),
    entries: new Map(),
    emails: new Map(),
    messages: [],
  };
}

export function putLocation(state: State, location: Location & { token: string }): void {
  revokeToken(state, location.id);
  state.locations.set(location.id, location);
  state.locationByToken.set(location.token, location);
}

export function revokeToken(state: State, locationId: string): void {
  const token = state.locations.get(locationId)?.token;
  if (token) state.locationByToken.delete(token);
}

const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Twenty letters and digits, as HighLevel's ids look. */
export function newId(): string {
  let id = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(20))) id += idCharacters[byte % idCharacters.length];
  return id;
}

/** All that it is found by. */
const addressesOf = ({ phone, email, additionalPhones = [], additionalEmails = [] }: Contact) =>
  [phone, email, ...additionalPhones, ...additionalEmails].filter((address) => address !== undefined && address !== "");

export const addressKey = (locationId: string, address: string) => `${locationId}|${address}`;

export function keepContact(state: State, contact: Contact): void {
  state.contacts.set(contact.id, contact);
  for (const address of addressesOf(contact)) {
    state.contactByAddress.set(addressKey(contact.locationId, String(address)), contact);
  }
}

/** The contact and its conversation are gone; with a heir, as in a merge, its addresses and messages are the heir's from now on. */
export function dropContact(state: State, id: string, heirId?: string): void {
  const contact = state.contacts.get(id);
  if (!contact) return;
  state.contacts.delete(id);
  for (const [key, each] of state.contactByAddress) if (each === contact) state.contactByAddress.delete(key);
  const heir = state.contacts.get(heirId ?? "");
  dropConversation(state, id, heir && (state.conversationByContact.get(heir.id) ?? addConversation(state, heir)));
  if (!heir) return;
  const { phone, email, additionalPhones = [], additionalEmails = [] } = contact;
  heir.additionalPhones = [...(heir.additionalPhones ?? []), ...(phone ? [phone] : []), ...additionalPhones];
  heir.additionalEmails = [...(heir.additionalEmails ?? []), ...(email ? [email] : []), ...additionalEmails];
  keepContact(state, heir);
}

function dropConversation(state: State, ofContactId: string, heir: Conversation | undefined): void {
  const conversation = state.conversationByContact.get(ofContactId);
  state.conversationByContact.delete(ofContactId);
  state.conversations.delete(conversation?.id ?? "");
  for (const entry of conversation?.entries ?? []) {
    if (!heir) state.entries.delete(entry.id);
    else moveEntry(entry, heir);
  }
}

function moveEntry(entry: Entry, { id: conversationId, contactId, entries }: Conversation): void {
  entry.index = entries.length;
  entries.push(entry);
  for (const message of entry.messages) Object.assign(message, { conversationId, contactId });
}

export function addEntry(state: State, conversation: Conversation): Entry {
  const entry = { id: newId(), index: conversation.entries.length, messages: [] };
  conversation.entries.push(entry);
  state.entries.set(entry.id, entry);
  return entry;
}

/** Puts an email into the thread that it answers: the first of one has its entry's id, and the thread's is another. */
export function threadEmail(state: State, email: StoredMessage, answered: StoredMessage | undefined): void {
  email.emailMessageId = answered ? newId() : email.messageId;
  email.threadId = answered?.threadId ?? newId();
  state.emails.set(email.emailMessageId, email);
}

export function addConversation(state: State, contact: Contact): Conversation {
  const conversation = {
    id: newId(),
    locationId: contact.locationId,
    contactId: contact.id,
    dateAdded: new Date().toISOString(),
    entries: [],
    unreadCount: 0,
  };
  state.conversations.set(conversation.id, conversation);
  state.conversationByContact.set(contact.id, conversation);
  return conversation;
}
