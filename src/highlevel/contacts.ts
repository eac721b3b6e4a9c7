import type { z } from "zod";
import { Failure } from "../errors.ts";
import { formsOfNumber, numberOfToday } from "../formats/phone-number.ts";
import type { Access, Call } from "./call.ts";
import { isAlreadyThere } from "./refusals.ts";
import {
  contactAnswer,
  contactDndAnswer,
  contactNameAnswer,
  conversationAnswer,
  conversationSearchAnswer,
  type dndEntry,
  type dndSettings,
  duplicateAnswer,
  existingContact,
  existingConversation,
  statusAnswer,
} from "./schemas.ts";

/** An address of a person, or both; the name is only for a contact that is made. */
export interface ContactKey {
  phone?: string | undefined;
  email?: string | undefined;
  name?: string | undefined;
}

/**
 * Gives the contact with one of these addresses, and makes one only where there is none: an upsert puts the address in the place of
 * the first one of a contact that has it beside others, and a name over the one that a user gave. One without an
 * address, of somebody in a chat, is made each time.
 */
export async function ensureContact(call: Call, access: Access, contact: ContactKey): Promise<string> {
  const known = await findContact(call, access, contact);
  if (known !== undefined && contact.name) await nameIfNameless(call, access, known, contact.name);
  if (known !== undefined) return known;
  const { email, name } = contact;
  const phone = contact.phone && numberOfToday(contact.phone);
  const body = { locationId: access.locationId, phone, email, name };
  // HighLevel upserts by an address alone.
  const path = phone === undefined && email === undefined ? "/contacts/" : "/contacts/upsert";
  try {
    return (await call(access, { method: "POST", path, body, answer: contactAnswer })).contact.id;
  } catch (error) {
    if (!(error instanceof Failure) || ![400, 409, 422].includes(error.status ?? 0)) throw error;
    const named = existingContact.safeParse(error.answer);
    if (named.success) return named.data.meta.contactId;
    // A refused one may have been made all the same: https://github.com/GoHighLevel/highlevel-api-docs/issues/64
    const made = await findContact(call, access, contact);
    if (made === undefined) throw error;
    return made;
  }
}

/** What is about all calls, not about the name. */
const generalReasons: readonly string[] = ["throttled", "own_limit", "unauthorized"];

/** Gives this name to a contact that has none. That HighLevel does not take it is no reason to go no further. */
export async function nameIfNameless(call: Call, access: Access, contactId: string, name: string): Promise<void> {
  const path = `/contacts/${encodeURIComponent(contactId)}`;
  try {
    const { contact } = await call(access, { method: "GET", path, answer: contactNameAnswer });
    if (contact.isNamed) return;
    await call(access, { method: "PUT", path, body: { name }, answer: statusAnswer });
  } catch (error) {
    if (!(error instanceof Failure) || generalReasons.includes(error.reason)) throw error;
  }
}

/** The contact with one of these addresses, the number first, also as it was before; undefined where there is none. */
export async function findContact(
  call: Call,
  access: Access,
  { phone, email }: Pick<ContactKey, "phone" | "email">,
): Promise<string | undefined> {
  for (const number of phone === undefined ? [] : formsOfNumber(phone)) {
    const known = await findDuplicate(call, access, { number });
    if (known !== undefined) return known;
  }
  return email === undefined ? undefined : findDuplicate(call, access, { email });
}

async function findDuplicate(
  call: Call,
  access: Access,
  address: { number: string } | { email: string },
): Promise<string | undefined> {
  const { locationId } = access;
  const query = { locationId, ...address };
  const path = "/contacts/search/duplicate";
  try {
    return (await call(access, { method: "GET", path, query, answer: duplicateAnswer })).contact?.id;
  } catch (error) {
    if (error instanceof Failure && error.status === 404) return undefined;
    throw error;
  }
}

/** Of HighLevel's words `active` says that the contact is not to be written to. */
export type DndEntry = z.infer<typeof dndEntry>;
/** By channel, such as `SMS` and `Email`. */
export type DndSettings = z.infer<typeof dndSettings>;

/** By which what we have set is known again when HighLevel tells it. */
export const ourDndCodes = { active: "bridge-opt-out", inactive: "bridge-opt-in" } as const;

/** Has HighLevel this of us? */
export const isOurDnd = ({ status, code }: DndEntry): boolean =>
  code !== undefined && code === (status === "active" ? ourDndCodes.active : ourDndCodes.inactive);

export async function readDnd(call: Call, access: Access, contactId: string): Promise<DndSettings> {
  const path = `/contacts/${encodeURIComponent(contactId)}`;
  return (await call(access, { method: "GET", path, answer: contactDndAnswer })).contact.dndSettings;
}

/** Sets the whole of them: what is left out may be lost. */
export function setDnd(
  call: Call,
  access: Access,
  contactId: string,
  settings: DndSettings,
): Promise<{ status: number }> {
  const path = `/contacts/${encodeURIComponent(contactId)}`;
  return call(access, { method: "PUT", path, body: { dndSettings: settings }, answer: statusAnswer });
}

export async function ensureConversation(call: Call, access: Access, contactId: string): Promise<string> {
  const { locationId } = access;
  // Without the slash at the end HighLevel answers 404.
  const request = { method: "POST" as const, path: "/conversations/", body: { locationId, contactId } };
  try {
    return (await call(access, { ...request, answer: conversationAnswer })).conversation.id;
  } catch (error) {
    if (!(error instanceof Failure) || ![400, 409, 422].includes(error.status ?? 0)) throw error;
    const existing = existingConversation.safeParse(error.answer);
    if (existing.success) return existing.data.conversationId;
    const query = { locationId, contactId };
    const path = "/conversations/search";
    const found = await call(access, { method: "GET", path, query, answer: conversationSearchAnswer });
    const [conversation] = found.conversations;
    if (conversation) return conversation.id;
    if (!isAlreadyThere(error)) throw error;
    const detail = `HighLevel has a conversation with the contact, and its search does not show it yet: ${error.message}`;
    throw new Failure("not_visible", detail, { status: error.status });
  }
}
