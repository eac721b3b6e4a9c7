import { setImmediate } from "node:timers/promises";
import { decodeWords } from "./encoded-words.ts";
import { findHeader, type MailHeader } from "./header.ts";
import { joinWords, type Words } from "./mail-words.ts";
import { type MimePart, readParts } from "./mime-parts.ts";
import { openSigned } from "./smime.ts";
import { isBearable, isReadable, looksLikeHtml, textWords, wordsOf } from "./text-part.ts";
import { openTnef } from "./tnef.ts";
import { decodeTransfer } from "./transfer-encoding.ts";

export interface WholeMail extends Words {
  headers: MailHeader[];
  /** In the order in which they stand in the mail. */
  files: MailFile[];
}

export interface MailFile {
  name: string | undefined;
  contentType: string;
  contentId: string | undefined;
  /** Exactly the bytes that were attached. */
  content: Buffer;
}

/**
 * Reads a whole email: its words and its files. What it says is among the words however it is wrapped: of a type or in a
 * multipart that breaks the rules, signed, in an email that is attached, or in a winmail.dat. Parts that only machines
 * read, and that say what the words say, are left out. Works a part at a time, so that everything else goes on meanwhile.
 */
export async function readMail(raw: Buffer): Promise<WholeMail> {
  const root = readParts(raw);
  const place = { level: 0, isRoot: true, isReport: root.type === "multipart/report" };
  const { words, files: all } = await gather(root, place);
  const files = all.filter((file) => !isSecondInvitation(file, all));
  if (words.length > 0) return { headers: root.headers, files, ...joinWords(words) };
  const unnamed = files.find(({ name, content }) => name === undefined && isReadable(content));
  const promoted = unnamed ? [wordsOf(unnamed.content, looksLikeHtml(unnamed.content))] : [];
  return { headers: root.headers, files: files.filter((file) => file !== unnamed), ...joinWords(promoted) };
}

/**
 * What a file holds that wraps an email or its words (an email that is attached, a signed one, a winmail.dat), where
 * somebody else took the email apart and left that closed. Nothing, of a mere signature; undefined for any other file.
 */
export async function openWrapping(
  file: Pick<MailFile, "name" | "contentType" | "content">,
): Promise<Omit<WholeMail, "headers"> | undefined> {
  const { name, contentType: type, content: body } = file;
  const parameters = new Map(name === undefined ? [] : [["name", name]]);
  const disposition = { value: "attachment", parameters };
  const part: MimePart = { headers: [], type, parameters, disposition, body, parts: [], charset: undefined };
  if (!isSignature(part) && !isMail(part) && !isSmime(part) && !isTnef(part)) return undefined;
  const { words, files } = await gather(part, { level: 0, isRoot: false, isReport: false });
  const isClosed = words.length === 0 && files.length === 1 && files[0]?.content === body;
  return isClosed ? undefined : { ...joinWords(words), files };
}

/** Many send an invitation as an alternative to the words and as a file. */
const isSecondInvitation = (file: MailFile, all: MailFile[]) =>
  file.name === undefined && isInvitation(file) && all.some((other) => other.name !== undefined && isInvitation(other));

const isInvitation = ({ contentType }: MailFile) => /^(text\/calendar|application\/ics)$/.test(contentType);

interface Place {
  /** How many mails within mails. */
  level: number;
  isRoot: boolean;
  /** The mail within a report is evidence, and nobody's words. */
  isReport: boolean;
}

interface Gathered {
  words: Words[];
  files: MailFile[];
}

const maxLevel = 2;
const nothing: Gathered = { words: [], files: [] };

async function gather(part: MimePart, place: Place): Promise<Gathered> {
  await setImmediate();
  if (part.type.startsWith("multipart/") && part.parts.length > 0) return gatherMultipart(part, place);
  if (isSignature(part)) return nothing;
  if (isMail(part) && !place.isReport && place.level < maxLevel) return gatherMail(part, place);
  const content = decodeTransfer(part.body, headerOf(part, "content-transfer-encoding"));
  if (isText(part, place)) {
    return isBearable(content) ? { words: textWords(part, content), files: [] } : asFile(part, content);
  }
  return (
    (await gatherWrapped(part, content, place)) ?? {
      words: [],
      files: content.length > 0 ? [fileOf(part, content)] : [],
    }
  );
}

/** Text of more lines than anybody reads: it costs the part, not the email. */
function asFile(part: MimePart, content: Buffer): Gathered {
  const file = fileOf(part, content);
  const name = file.name ?? "text.txt";
  return {
    words: [{ text: `[The text is too long to be shown: it is in the file ${name}]` }],
    files: [{ ...file, name }],
  };
}

async function gatherMultipart(part: MimePart, place: Place): Promise<Gathered> {
  const isAlternative = part.type === "multipart/alternative";
  const parts = isAlternative ? part.parts.filter((each) => !isForMachines(each, part.parts)) : part.parts;
  const gathered: Gathered[] = [];
  for (const each of parts) gathered.push(await gather(each, { ...place, isRoot: false }));
  const words = gathered.flatMap((each) => each.words);
  const files = gathered.flatMap((each) => each.files);
  if (part.type === "multipart/encrypted") return { words: [{ text: encrypted("PGP") }], files: [] };
  if (!isAlternative || words.length < 2) return { words, files };
  const texts = words.flatMap(({ text }) => text ?? []);
  const pages = words.flatMap(({ html }) => html ?? []);
  return { words: [{ text: texts.join("\n") || undefined, html: pages.join("\n") || undefined }], files };
}

/** Says what text and HTML say. An invitation that is nowhere else is a file. */
function isForMachines(part: MimePart, beside: MimePart[]): boolean {
  if (!part.type.startsWith("text/") || nameOf(part) !== undefined) return false;
  if (part.type === "text/calendar") return false;
  return (
    part.type !== "text/plain" &&
    part.type !== "text/html" &&
    beside.some(({ type }) => /^text\/(plain|html)$/.test(type))
  );
}

const isSignature = ({ type }: MimePart) =>
  /^application\/(pgp-signature|pgp-encrypted|(x-)?pkcs7-signature)$/.test(type);

const isMail = (part: MimePart) =>
  part.type === "message/rfc822" || part.type === "message/global" || /\.eml$/i.test(nameOf(part) ?? "");

async function gatherMail(part: MimePart, { level }: Place): Promise<Gathered> {
  const inner = readParts(decodeTransfer(part.body, headerOf(part, "content-transfer-encoding")));
  const within = { level: level + 1, isRoot: true, isReport: inner.type === "multipart/report" };
  const { words, files } = await gather(inner, within);
  const facts = ["From", "Date", "Subject", "To"].flatMap((name) => {
    const value = decodeWords(findHeader(inner.headers, name.toLowerCase()) ?? "");
    return value === "" ? [] : [`${name}: ${value}`];
  });
  const name = nameOf(part);
  const title = `---------- Forwarded message${name === undefined ? "" : ` (${name})`} ----------`;
  const { text, html } = joinWords(words);
  const head = { text: `\n${[title, ...facts].join("\n")}\n` };
  return { words: [head, { text, html }], files };
}

/** What holds a mail, or its words, in a wrapping of its own. */
async function gatherWrapped(part: MimePart, content: Buffer, place: Place): Promise<Gathered | undefined> {
  if (isSmime(part)) {
    const signed = openSigned(content);
    if (signed && place.level < maxLevel)
      return gather(readParts(signed), { ...place, level: place.level + 1, isRoot: true });
    return { words: [{ text: encrypted("S/MIME") }], files: [fileOf(part, content)] };
  }
  if (!isTnef(part)) return undefined;
  const opened = openTnef(content);
  return (
    opened && {
      words: opened.text || opened.html ? [{ text: opened.text, html: opened.html }] : [],
      files: opened.files,
    }
  );
}

const isSmime = (part: MimePart) =>
  /^application\/(x-)?pkcs7-mime$/.test(part.type) || /\.p7m$/i.test(nameOf(part) ?? "");

const isTnef = (part: MimePart) =>
  /^application\/(vnd\.)?ms-tnef$/.test(part.type) || nameOf(part)?.toLowerCase() === "winmail.dat";

const encrypted = (how: string) =>
  `[This email is encrypted by ${how}. Only the program that holds its receiver's key can read it: ask for it unencrypted.]`;

/** A body that is marked as a file without a name is the body none the less. */
function isText(part: MimePart, { isRoot }: Place): boolean {
  if (part.type !== "text/plain" && part.type !== "text/html") return false;
  return part.disposition.value !== "attachment" || (isRoot && nameOf(part) === undefined);
}

function fileOf(part: MimePart, content: Buffer): MailFile {
  return {
    name: nameOf(part),
    contentType: part.type,
    contentId: headerOf(part, "content-id"),
    content,
  };
}

function nameOf({ parameters, disposition }: Pick<MimePart, "parameters" | "disposition">): string | undefined {
  return disposition.parameters.get("filename") || parameters.get("name") || undefined;
}

const headerOf = (part: MimePart, name: string) => findHeader(part.headers, name);
