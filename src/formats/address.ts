import type { Channel } from "../model.ts";
import { normalizeMailbox } from "./mailbox.ts";
import { normalizePhoneNumber, numberOfToday } from "./phone-number.ts";

const normalizers = { sms: normalizePhoneNumber, email: normalizeMailbox };

/**
 * An address in the one form in which it is stored and compared; `undefined` when it is none of this channel's. A national
 * number is read in the country of `ownNumber`, and without that it is none. Who is known by an id is addressed as a text.
 */
export function normalizeAddress(channel: Channel, given: string, ownNumber?: string): string | undefined {
  if (channel === "sms" && isChatId(given)) return given;
  return normalizers[channel](given, ownNumber);
}

/** The same of a person, who is one person by each number that theirs was. */
export function normalizePerson(channel: Channel, given: string, ownNumber?: string): string | undefined {
  const address = normalizeAddress(channel, given, ownNumber);
  return address === undefined || channel === "email" ? address : numberOfToday(address);
}

/** Somebody whom a chat knows by an id: `id:u-1`. Of any script, also with spaces in it. */
export const chatId = /^id:(?! )[^\p{C}\p{Zl}\p{Zp}]{1,200}(?<! )$/u;

/** Also as it is kept, which is longer. */
export const isChatId = (address: string): boolean => /^id:(?! )[^\p{C}\p{Zl}\p{Zp}]{1,300}(?<! )$/u.test(address);

/**
 * As it is kept: `id:5f2c1a52:u-1`. An id is an account's: the same id of another account is somebody else, who may be in the same
 * location. One that is so already stays so.
 */
export function chatIdOf(accountId: string, address: string): string {
  const own = `id:${accountId.slice(0, 8)}:`;
  return isChatId(address) && !address.startsWith(own) ? `${own}${address.slice(3)}` : address;
}

/** As the account's provider knows it. */
export const plainChatId = (address: string): string => address.replace(/^id:[0-9a-f]{8}:/, "id:");

/** Without what says that it is an id. */
export const bareChatId = (address: string): string => plainChatId(address).replace(/^id:/, "");
