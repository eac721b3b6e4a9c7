import { normalizeMailbox } from "../formats/mailbox.ts";
import { formsOfNumber, normalizePhoneNumber } from "../formats/phone-number.ts";

/**
 * The forms in which an address may be stored that a person wrote in their own way: a number with or without its country,
 * with blanks and brackets, a mailbox with a name and in any case. A number without its country is read in each of those
 * of the business's own numbers. In a URL's query a plus means a blank: where one stands in its place, it is meant.
 */
export function addressForms(given: string, ownNumbers: string[]): string[] {
  const trimmed = given.trim();
  const written = /^ \d/.test(given) ? `+${trimmed}` : trimmed;
  const mailbox = written.includes("<") ? written : written.replace(/\s+/g, "+");
  const forms = [trimmed, normalizePhoneNumber(written), written.includes("@") ? normalizeMailbox(mailbox) : undefined];
  const national = /^\D*\d/.test(written) && !/^\s*\+/.test(written) ? ownNumbers : [];
  for (const ownNumber of national) forms.push(normalizePhoneNumber(written, ownNumber));
  return [...new Set(forms.flatMap((form) => (form === undefined ? [] : [form, ...formsOfNumber(form)])))];
}
