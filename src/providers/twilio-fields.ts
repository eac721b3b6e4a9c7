import { ParseError } from "../errors.ts";
import { readUrlencoded } from "../formats/form.ts";

const fieldName = /^[A-Z][A-Za-z0-9_]{0,50}$/;
const twilioSid = /^(SM|MM)[0-9a-f]{32}$/;
/** An id that does not look like Twilio's is shorter than one that has swallowed Twilio's, and has none of its neighbours in it. */
const otherSid = /^(?!SM|MM)[\w-]{1,33}$/;
/** What a field begins with that another value has swallowed. */
const swallowed = /From(\+|\d|[a-z]+:)|AccountSidAC|MessageSid(SM|MM)/;

/**
 * Are these the fields that Twilio signed? It signs names and values without separators, so that the same letters can be
 * cut into others: a recorded request into another message, or a text that holds `From+1…` into one from that number. What
 * ends where it should not shows by the shapes of ids and names, and by the fields that must be in another's value then.
 */
export function isUncut(body: Buffer, accountSid: string): boolean {
  const fields = textsOf(body);
  if (!fields) return false;
  const { AccountSid = accountSid, MessageSid, SmsSid, SmsMessageSid } = Object.fromEntries(fields);
  const sids = [MessageSid, SmsSid, SmsMessageSid].filter((sid) => sid !== undefined);
  if (AccountSid.toLowerCase() !== accountSid.toLowerCase()) return false;
  if (new Set(sids).size > 1 || sids.some((sid) => !twilioSid.test(sid) && !otherSid.test(sid))) return false;
  return fields.every(([name, value]) => fieldName.test(name) && (name === "Body" || !swallowed.test(value)));
}

/** Undefined for a form that cannot be read, or that says something twice. */
function textsOf(body: Buffer): [name: string, value: string][] | undefined {
  try {
    const fields = readUrlencoded(body).map(({ name, content }): [string, string] => [name, content.toString("utf8")]);
    return new Set(fields.map(([name]) => name)).size === fields.length ? fields : undefined;
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}
