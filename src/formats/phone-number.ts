import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from "libphonenumber-js/max";
import { ParseError } from "../errors.ts";
import type { TextService } from "../model.ts";

const channelPrefix = /^(whatsapp|rcs|sms|mms|sip|tel):/i;
const withheld = /^(anonymous|unknown|restricted|private|unavailable|withheld)$/i;
const shortCode = /^\d{3,8}$/;
/** Of the longest way to write a number, or a sender's name. */
const maxCharacters = 200;
/** An extension is dialled by a person: no text can be sent to it. */
const extension =
  /(?:\d[\s().-]{0,3}){6}[\s,;#]*(?:[#,;]|ext(?:n|ension)?|x|durchwahl|dw|poste|int|anexo)[.:=\s]{0,3}\d/i;
/**
 * Can be received from, and not answered. Senders may have more signs in their names than they should; but nothing that
 * begins with a plus, or has an at sign: that would be a number or an email address gone wrong.
 * https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id
 */
const alphanumericSender = /^(?!\+)(?=.*\p{L})[\p{L}\d .&_+'!/-]{1,64}$/u;

/**
 * A sender or receiver as it is stored: E.164 for a phone number, a short code or an alphanumeric sender as it is.
 * `undefined` for what is none of these, such as a withheld number or one with an extension.
 *
 * A number without a plus is international only where it cannot be anything else; otherwise it is of the country of
 * `ownNumber`, the business's number in E.164, or a country itself, as `US`. Without that a national number is undefined: no
 * country is guessed.
 */
export function normalizePhoneNumber(given: string, ownNumber = ""): string | undefined {
  if (given.length > maxCharacters) return undefined;
  // With the length, as both may hold blanks.
  const key = `${ownNumber.length} ${ownNumber} ${given}`;
  if (!normalized.has(key)) {
    if (normalized.size >= maxNormalized) normalized.clear();
    normalized.set(key, normalize(given, ownNumber));
  }
  return normalized.get(key);
}

/** The same few numbers come again and again, and each takes some 25 µs. */
const normalized = new Map<string, string | undefined>();
const maxNormalized = 5_000;

function normalize(given: string, ownNumber: string): string | undefined {
  const address = given.trim().replace(channelPrefix, "");
  if (extension.test(address)) return undefined;
  // Copied numbers carry invisible signs for the direction of writing, and other forms of digits.
  const digits = address.normalize("NFKC").replace(/[\s().\u00a0\u2010-\u2015/\p{Cf}-]/gu, "");
  if (/^\+[1-9]\d{6,14}$/.test(digits)) return toE164(digits);
  if (/^\d{7,15}$/.test(digits)) return withoutPlus(digits, address, ownNumber);
  if (shortCode.test(digits)) return digits;
  return alphanumericSender.test(address) && !withheld.test(address) ? address : undefined;
}

/** The same of a sender that writes each number with its country and without a plus. */
export function normalizeWholeNumber(given: string, ownNumber?: string): string | undefined {
  const digits = given.trim();
  const isWhole = /^[1-9]\d{8,14}$/.test(digits) && (digits.length > 10 || isPossible(`+${digits}`));
  return normalizePhoneNumber(isWhole ? `+${digits}` : given, ownNumber);
}

/**
 * A receiver, or why nothing can be sent to it, in words for the agent who tried. Alphanumeric senders are none.
 */
export function readReceiver(given: string | undefined, ownNumber?: string): { number: string } | { problem: string } {
  const address = (given ?? "").trim().slice(0, maxCharacters + 1);
  if (address === "") return { problem: "the contact has no phone number" };
  if (extension.test(address)) return { problem: `${address} has an extension: texts go to whole numbers only` };
  const number = normalizePhoneNumber(address, ownNumber);
  if (number !== undefined && /\p{L}/u.test(number))
    return { problem: `${address} is a sender's name and no phone number` };
  if (number !== undefined) return { number };
  return { problem: `${address} is no phone number with its country: write it as +1 415 555 0123` };
}

/**
 * A person's number as the plan of its country has it today. WhatsApp keeps the one by which an account was made: in Brazil that of a
 * mobile without its ninth digit, in Mexico with a 1 behind the country. Any other is as it was.
 * https://github.com/devlikeapro/waha/issues/238 · https://github.com/evolution-foundation/evolution-api/issues/447
 */
export function numberOfToday(number: string): string {
  const [, area, former] = /^(\+55[1-9][1-9])([6-9]\d{7})$/.exec(number) ?? [];
  if (area && former) return `${area}9${former}`;
  return number.replace(/^\+521(?=[2-9]\d{9}$)/, "+52");
}

/** How the same person's number may be written elsewhere: as it is today, then as it was. */
export function formsOfNumber(number: string): string[] {
  const today = numberOfToday(number);
  const before = today.replace(/^(\+55[1-9][1-9])9(?=[6-9]\d{7}$)/, "$1").replace(/^\+52(?=[2-9]\d{9}$)/, "+521");
  return before === today ? [today] : [today, before];
}

/** What numbers of the same country have in common: the country, or its calling code where the number is in no plan. */
export function countryOf(number: string | undefined): string | undefined {
  const { country, countryCallingCode } = parsePhoneNumberFromString(number ?? "") ?? {};
  return country ?? countryCallingCode;
}

/** By its prefix, as in `whatsapp:+15005550006`. */
export function serviceOf(address: string): TextService | undefined {
  return /^\s*(whatsapp|rcs):/i.exec(address)?.[1]?.toLowerCase() as TextService | undefined;
}

export function requirePhoneNumber(given: string, field: string, ownNumber?: string): string {
  const number = normalizePhoneNumber(given, ownNumber);
  if (number === undefined) throw new ParseError(`${field}: is not a phone number, a short code or a sender's name`);
  return number;
}

/** Numbers that no plan has yet (and test numbers) stay as they came: a message is not lost for a new area code. */
function toE164(digits: string): string {
  return parsePhoneNumberFromString(digits)?.number ?? digits;
}

function withoutPlus(digits: string, address: string, ownNumber: string): string | undefined {
  const own = homeOf(ownNumber);
  if (own) return calledAbroad(digits, own) ?? inCountry(digits, address, own);
  // A short code is written without blanks and brackets.
  if (digits.length <= 8) return address === digits ? digits : undefined;
  return isInternational(digits) ? toE164(`+${digits}`) : undefined;
}

type Home = { country?: CountryCode | undefined } & Pick<PhoneNumber, "countryCallingCode">;

function homeOf(ownNumber: string): Home | undefined {
  if (isCountry(ownNumber)) return { country: ownNumber, countryCallingCode: getCountryCallingCode(ownNumber) };
  return parsePhoneNumberFromString(ownNumber);
}

/** By its two letters: https://www.iso.org/iso-3166-country-codes.html */
export const isCountry = (text: string): text is CountryCode => isSupportedCountry(text);

function inCountry(digits: string, address: string, own: Home): string | undefined {
  const { country, countryCallingCode: defaultCallingCode } = own;
  const national = parsePhoneNumberFromString(digits, country ? { defaultCountry: country } : { defaultCallingCode });
  const isWhole = digits.startsWith(defaultCallingCode) && isPossible(`+${digits}`);
  if (isWhole && digits.length > 10) return toE164(`+${digits}`);
  if (national?.isValid()) return national.number;
  // A short code is written without blanks and hyphens.
  if (digits.length <= 8) return address === digits ? digits : undefined;
  // Ten digits in the shape of North America's are of there, though the area code may look like a calling code.
  if (defaultCallingCode !== "1" && /^[2-9]\d\d[2-9]\d{6}$/.test(digits)) return undefined;
  if (isPlausible(national) && !isValid(`+${digits}`)) return national?.number;
  return isWhole || isValid(`+${digits}`) ? toE164(`+${digits}`) : undefined;
}

/** Behind what is dialled there to call abroad, as 011 in North America, or what most countries dial. */
function calledAbroad(digits: string, { countryCallingCode }: Home): string | undefined {
  const number = digits.replace(countryCallingCode === "1" ? /^0(?:11|0)/ : /^00/, "+");
  return number !== digits && isPossible(number) ? toE164(number) : undefined;
}

/** Of its country's length; and in North America, where most test numbers are, no number begins with 0 or 1. */
function isPlausible(national: PhoneNumber | undefined): boolean {
  return national?.isPossible() === true && !/^\+1[01]/.test(national.number);
}

/**
 * Ten digits may always be of North America, where a number's area code looks like another country's calling code: only
 * longer ones are certain, or those that its plan does not have.
 */
function isInternational(digits: string): boolean {
  if (digits.startsWith("0")) return false;
  if (digits.length === 10) return isValid(`+${digits}`) && !isPossible(`+1${digits}`);
  return isValid(`+${digits}`) || (digits.length > 10 && isPossible(`+${digits}`));
}

const isValid = (number: string) => parsePhoneNumberFromString(number)?.isValid() === true;
const isPossible = (number: string) => parsePhoneNumberFromString(number)?.isPossible() === true;
