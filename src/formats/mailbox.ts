import { addressParser } from "postal-mime";
import { ParseError } from "../errors.ts";
import { text } from "./parse-value.ts";

export interface Mailbox {
  /** In lower case: HighLevel compares it verbatim with the contact's. */
  address: string;
  /** The display name, decoded; undefined where there is none. */
  name: string | undefined;
}

/** Some hundred mailboxes; what follows is left out. The parser takes a millisecond for a thousand hostile characters. */
const mostCharacters = 20_000;

const addressShape = /^[^\s@<>,;:"]{1,256}@[^\s@<>,;:"]{1,256}$/;

/** The mailboxes of an address header: groups unwrapped, encoded words decoded, what is no mailbox left out. */
export function parseMailboxes(header: string | undefined): Mailbox[] {
  return addressParser((header ?? "").slice(0, mostCharacters), { flatten: true }).flatMap((parsed) => {
    const address = text
      .parse(parsed.address ?? "")
      .trim()
      .toLowerCase();
    const name = text.parse(parsed.name).trim();
    return addressShape.test(address) ? [{ address, name: name || undefined }] : [];
  });
}

export function addressesOf(header: string | undefined): string[] {
  return [...new Set(parseMailboxes(header).map((mailbox) => mailbox.address))];
}

/** A single mailbox in lower case; `undefined` for anything else. */
export function normalizeMailbox(given: string): string | undefined {
  const [mailbox, another] = parseMailboxes(given);
  return another ? undefined : mailbox?.address;
}

export function requireMailbox(header: string | undefined, field: string): Mailbox {
  const [mailbox] = parseMailboxes(header);
  if (!mailbox) throw new ParseError(`${field}: holds no mailbox`);
  return mailbox;
}
