import type { DeliveryStatus, RecipientStatus } from "./delivery-status.ts";
import { findHeader } from "./header.ts";
import { readParts } from "./mime-parts.ts";
import { decodeTransfer } from "./transfer-encoding.ts";

/** What stands between the words for people and the email that came back. */
const copyLine = /^-{3,}\s?(?:below this line is a copy of the message|this is a copy of (?:the|your) message)\b.*$/im;

/**
 * Reads a bounce that is words for people, as qmail writes it (https://cr.yp.to/proto/qsbmf.txt), and Exim did, before it
 * wrote reports: whom it names, and why. Undefined for any other mail. Pure.
 */
export function readPlainBounce(raw: Buffer): DeliveryStatus | undefined {
  const { type, headers, body } = readParts(raw);
  const failed = findHeader(headers, "x-failed-recipients");
  if (type !== "text/plain") return undefined;
  const text = decodeTransfer(body, findHeader(headers, "content-transfer-encoding")).toString("utf8");
  const line = copyLine.exec(text.slice(0, maxCharacters));
  if (!line || (failed === undefined && !/^hi\. this is the/i.test(text))) return undefined;
  const words = text.slice(0, line.index);
  const addresses =
    failed?.split(",") ?? [...words.matchAll(/^<([^<>\s]{1,320})>:$/gm)].map(([, address = ""]) => address);
  const places = placesOf(words);
  const recipients = addresses
    .slice(0, maxRecipients)
    .map((address) => address.trim())
    .filter((address) => address.length <= maxAddressLength && /^[^\s@]+@[^\s@]+$/.test(address))
    .map((address) => failureOf(address, words.slice(places.get(address) ?? words.length)));
  const returned = text.slice(line.index + line[0].length).trimStart();
  return recipients.length === 0 ? undefined : { recipients, original: readParts(Buffer.from(returned)).headers };
}

const maxCharacters = 200_000;
const maxRecipients = 100;

/** A local part and a domain: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1 */
const maxAddressLength = 320;

/** Where the first line stands that names an address, and nothing else. */
function placesOf(words: string): Map<string, number> {
  const places = new Map<string, number>();
  let at = 0;
  for (const line of words.split("\n")) {
    const named = line
      .trim()
      .replace(/^[ \t<]+/, "")
      .replace(/>?:?$/, "");
    if (!places.has(named)) places.set(named, at);
    at += line.length + 1;
  }
  return places;
}

/** What stands below the line that names the address, up to a blank line. */
function failureOf(address: string, named: string): RecipientStatus {
  const [, below = ""] = /^[^\n]*\n([\s\S]{0,2000}?)(?:\n\s*\n|$)/.exec(named) ?? [];
  const diagnostic = below.replace(/\s+/g, " ").trim();
  const status = /\b5\.\d{1,3}\.\d{1,3}\b/.exec(diagnostic)?.[0];
  return { address, action: "failed", status, diagnostic: diagnostic || undefined };
}
