import { decodeWords } from "./email/encoded-words.ts";
import { text } from "./parse-value.ts";

export interface Mailbox {
  /** In lower case: HighLevel compares it verbatim with the contact's. */
  address: string;
  /** The sender's own spelling where it is another: to the address's host upper and lower case may be different people. */
  spelling?: string | undefined;
  /** The display name, decoded; undefined where there is none. */
  name: string | undefined;
}

/** Some hundred mailboxes; what follows is left out. */
const maxCharacters = 20_000;

/** The mailboxes of an address header: groups unwrapped, encoded words decoded, what is no mailbox left out. */
export function parseMailboxes(header: string | undefined): Mailbox[] {
  return splitList((header ?? "").slice(0, maxCharacters)).flatMap((entry) => readMailbox(entry) ?? []);
}

/**
 * The mailbox of a From header, which names one person. It is in the last angle brackets, and all before them is a name,
 * whatever it looks like: many decode a name before they hand the header on, and then commas, quotes, brackets and
 * addresses stand in it as the sender chose. Undefined where the last brackets hold no address.
 */
export function parseSender(header: string | undefined): Mailbox | undefined {
  const line = closed(withoutEncoding((header ?? "").slice(0, maxCharacters).trim()));
  const [, before = "", inside = ""] =
    /^([\s\S]*)<((?:\s*"[^"]*"@)?[^<>]*)>[\s;,]*(?:\([^()<>]*\)[\s;,]*)?$/.exec(line) ?? [];
  if (inside !== "" || line.endsWith(">")) return mailboxOf(inside, nameOf(before));
  // What stands behind the last brackets may be the address as well: then nobody knows which one it is.
  if (/>[^<>]*@[^<>]*$/.test(line)) return undefined;
  const [mailbox, ...others] = parseMailboxes(line);
  return others.length === 0 ? mailbox : others.at(-1);
}

/** Some programs encode the whole header, and the address with it. */
function withoutEncoding(line: string): string {
  return line.replace(/=\?[^?\s]{1,80}\?[bq]\?[^?]{0,1000}\?=/gi, "").includes("@") ? line : decodeWords(line);
}

/** Brackets that stand twice or that nobody closed, and Outlook's `Ann [mailto:ann@example.org]`. */
function closed(line: string): string {
  if (/\[mailto:[^<>[\]\s]{1,320}\]$/i.test(line)) return line.replace(/\[mailto:([^[\]]*)\]$/i, "<$1>");
  if (/<[^<>\s]{1,320}$/.test(line.slice(-321))) return `${line}>`;
  return /<<?[^<>\s]{1,320}>>$/.test(line.slice(-330)) ? line.replace(/<?<([^<>]*)>>$/, "<$1>") : line;
}

export function addressesOf(header: string | undefined): string[] {
  return [...new Set(parseMailboxes(header).map((mailbox) => mailbox.address))];
}

/** The same as they are spelled, for sending to them: each once, and none of those that are left out. */
export function spellingsOf(header: string | undefined, leftOut: readonly string[] = []): string[] {
  const spellings = new Map(parseMailboxes(header).map(({ address, spelling }) => [address, spelling ?? address]));
  for (const address of leftOut) spellings.delete(address);
  return [...spellings.values()];
}

/** A single mailbox in lower case; `undefined` for anything else. */
export function normalizeMailbox(given: string): string | undefined {
  const [mailbox, another] = parseMailboxes(given);
  return another ? undefined : mailbox?.address;
}

/**
 * The entries of a list, and of the groups in it (https://www.rfc-editor.org/rfc/rfc5322#section-3.4). A name's part that
 * a bare comma cuts off goes to the entry behind it.
 */
function splitList(header: string): string[] {
  const entries: string[] = [];
  let name = "";
  for (const piece of header.match(entryPiece) ?? []) {
    const isEnd = piece === "," || piece === ";";
    if (!isEnd && piece !== ":") {
      name += piece;
      continue;
    }
    if (piece === ":" && name.includes("@")) name += piece;
    else if (piece === ":") name = "";
    else if (piece === "," && name.trim() !== "" && !name.includes("@")) name += piece;
    else {
      entries.push(name);
      name = "";
    }
  }
  return [...entries, name];
}

/**
 * A quoted string, a comment, what is in angle brackets, a sign between entries, or what stands between those. Strings and
 * comments have an end here, for of many that never close each is searched to its own.
 */
const entryPiece =
  /"(?:[^"\\]|\\[\s\S]){0,500}"|\((?:[^()\\]|\\[\s\S]|\([^()]*\)){0,500}\)|<[^<>]*>|[,;:]|[^"(<,;:]+|[\s\S]/g;

function readMailbox(entry: string): Mailbox | undefined {
  const [, before = "", inside] = /^([\s\S]*)<((?:\s*"[^"]*"@)?[^<>]*)>[^<>]*$/.exec(entry) ?? [];
  if (inside !== undefined) return mailboxOf(inside, nameOf(before));
  const comment = /\(([^()]*)\)/.exec(entry)?.[1];
  const bare = entry.replace(/\((?:[^()]|\([^()]*\))*\)/g, " ").trim();
  const [first = bare, ...others] = bare.startsWith('"') ? [bare] : bare.split(/\s+/);
  const address = others.length === 0 ? first : bare.split(/\s+/).findLast((word) => word.includes("@"));
  return mailboxOf(address ?? "", comment === undefined ? undefined : nameOf(comment));
}

function nameOf(words: string): string | undefined {
  const trimmed = words.replace(/\s+/g, " ").trim();
  const [, quoted] = /^"((?:[^"\\]|\\[\s\S])*)"$/.exec(trimmed) ?? [];
  const plain = quoted === undefined ? trimmed.replace(/"((?:[^"\\]|\\[\s\S]){0,500})"/g, "$1") : quoted;
  return text.parse(decodeWords(plain.replace(/\\(["\\])/g, "$1"))).trim() || undefined;
}

const quotedLocal = /^"((?:[^"\\]|\\[\s\S])*)"$/;
const domainShape = /^(?:[^\s@<>,;:"()[\]\\]{1,256}|\[[^\s@<>,;"()[\]\\]{1,60}\])$/;
const encodedWord = /=\?[^?\s]+\?[bq]\?/i;

const maxLength = 1000;

/** An address in one form: its local part in quotes where it needs them (https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2). */
function mailboxOf(given: string, name: string | undefined): Mailbox | undefined {
  if (given.length > maxLength) return undefined;
  const written = text
    .parse(given)
    .trim()
    .replace(/^(?:mailto:|@[^<>\s:"]{1,256}:)/i, "")
    // In quotes as a whole, which people copy along.
    .replace(/^(['"])([^'"@\s]+@[^'"@\s]+)\1$/, "$2")
    // Against the new rules, and by the old ones allowed: https://www.rfc-editor.org/rfc/rfc5322#section-4.4
    .replace(/^[^"]+$/, (plain) => plain.replace(/\s*([.@])\s*/g, "$1"));
  const at = written.lastIndexOf("@");
  const local = localOf(written.slice(0, at));
  const domain = written.slice(at + 1).replace(/\.$/, "");
  if (at < 1 || local === undefined || !domainShape.test(domain) || encodedWord.test(written)) return undefined;
  const spelling = `${local}@${domain}`;
  const address = spelling.toLowerCase();
  return { address, name, ...(spelling === address ? {} : { spelling }) };
}

function localOf(written: string): string | undefined {
  const [, quoted] = quotedLocal.exec(written) ?? [];
  const content = quoted === undefined ? written : quoted.replace(/\\([\s\S])/g, "$1");
  if (content === "" || content.length > 256 || /\p{Cc}/u.test(content)) return undefined;
  if (/^[^\s@<>,;:"()[\]\\.]+(\.[^\s@<>,;:"()[\]\\.]+)*$/.test(content)) return content;
  const needsNoMore = quoted !== undefined || /^[^\s@<>,;:"()[\]\\]+$/.test(content);
  return needsNoMore ? `"${content.replace(/["\\]/g, "\\$&")}"` : undefined;
}
