import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import { ParseError } from "../errors.ts";

const channelPrefix = /^(whatsapp|rcs|sms|mms|sip|tel):/i;
const withheld = /^(anonymous|unknown|restricted|private|unavailable|withheld)$/i;
const shortCode = /^\d{3,8}$/;
const international = /^\+?[1-9]\d{6,14}$/;
/**
 * Can be received from, and not answered. Senders may have more signs in their names than they should; but nothing that
 * begins with a plus, or has an at sign: that would be a number or an email address gone wrong.
 * https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id
 */
const alphanumericSender = /^(?!\+)(?=.*\p{L})[\p{L}\d .&_+'!/-]{1,64}$/u;

/**
 * A sender or receiver as it is stored: E.164 for a phone number, a short code or an alphanumeric sender as it is.
 * A number is never given a region: providers send it in international form, some without the plus.
 * `undefined` for what is none of these, such as a withheld number.
 */
export function normalizePhoneNumber(given: string): string | undefined {
  const address = given.trim().replace(channelPrefix, "");
  const digits = address.replace(/[\s().-]/g, "");
  if (shortCode.test(digits)) return digits;
  if (international.test(digits)) return toE164(digits);
  return alphanumericSender.test(address) && !withheld.test(address) ? address : undefined;
}

/** Numbers that no plan has yet (and test numbers) stay as they came: a message is not lost for a new area code. */
function toE164(digits: string): string {
  const withPlus = digits.startsWith("+") ? digits : `+${digits}`;
  return parsePhoneNumberFromString(withPlus)?.number ?? withPlus;
}

export function requirePhoneNumber(given: string, field: string): string {
  const number = normalizePhoneNumber(given);
  if (number === undefined) throw new ParseError(`${field}: is not a phone number, a short code or a sender's name`);
  return number;
}
