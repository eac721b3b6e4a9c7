import { ParseError } from "../../errors.ts";
import { charsetOf, decodeText, isAsciiLabel } from "./charset.ts";
import type { MailHeader } from "./header.ts";
import { parseStructured, type StructuredHeader } from "./header-parameters.ts";

/** A part of an email, or the email itself, with the bytes as they came. */
export interface MimePart {
  headers: MailHeader[];
  /** `text/plain` where nothing that can be read as a type is given. */
  type: string;
  parameters: ReadonlyMap<string, string>;
  disposition: StructuredHeader;
  body: Buffer;
  /** Of a multipart. */
  parts: MimePart[];
  /** The charset that something in the mail names, for text that names none that can be used. */
  charset: string | undefined;
}

/** No mail program nests so deep: a part that goes deeper is left as it is. */
const maxDepth = 20;
const maxParts = 2_000;
const maxHeaderBytes = 500_000;

/**
 * Takes an email (RFC 5322, MIME) apart. What breaks the rules is read as mail programs read it: a multipart whose boundary
 * is missing or wrong is read by the boundary that is there, or as plain text. Throws a ParseError for what a person could
 * not have sent, by 2,000 parts or 500 kB of headers. Takes a time that grows with the mail's length alone.
 */
export function readParts(raw: Buffer): MimePart {
  const partsLeft = { count: maxParts, headerBytes: maxHeaderBytes };
  return readPart(withoutBlankLines(raw), {
    depth: 0,
    partsLeft,
    defaultType: "text/plain",
    charset: namedCharset(raw),
  });
}

/** Some gateways put them before the headers. */
function withoutBlankLines(raw: Buffer): Buffer {
  const [blank = ""] = /^[\r\n]{1,100}(?=[!-9;-~]{1,100}:)/.exec(raw.toString("latin1", 0, 300)) ?? [];
  return raw.subarray(blank.length);
}

interface Reading {
  depth: number;
  partsLeft: { count: number; headerBytes: number };
  defaultType: string;
  /** How text is written that does not say it itself. */
  charset: string | undefined;
}

function readPart(bytes: Buffer, reading: Reading): MimePart {
  const { depth, partsLeft, defaultType, charset } = reading;
  const [head, body] = depth > 0 && !beginsWithHeader(bytes) ? [bytes.subarray(0, 0), bytes] : splitHead(bytes);
  partsLeft.headerBytes -= head.length;
  if (--partsLeft.count < 0) throw new ParseError(`the email has more than ${maxParts} parts`);
  if (partsLeft.headerBytes < 0) throw new ParseError(`the email has more than ${maxHeaderBytes} bytes of headers`);

  const headers = unfold(head, charset);
  const find = (wanted: string) => headers.find(({ name }) => name.toLowerCase() === wanted)?.value;
  const contentType = parseStructured(find("content-type"));
  const { type, parameters } = typeOf(contentType, find("content-type"), defaultType);
  const part: MimePart = {
    ...{ headers, type, parameters, body, parts: [], charset },
    disposition: parseStructured(find("content-disposition")),
  };
  if (!type.startsWith("multipart/") || depth >= maxDepth) return part;
  const pieces = splitBody(body, parameters.get("boundary"), partsLeft.count);
  if (!pieces) return { ...part, type: "text/plain" };
  const typeWithin = type === "multipart/digest" ? "message/rfc822" : "text/plain";
  const within = { depth: depth + 1, partsLeft, defaultType: typeWithin, charset };
  return { ...part, parts: pieces.map((piece) => readPart(piece, within)) };
}

/** What cannot be read as a type is plain text (https://www.rfc-editor.org/rfc/rfc2045#section-5.2), if it is not HTML. */
function typeOf(
  { value, parameters }: StructuredHeader,
  header: string | undefined,
  defaultType: string,
): Pick<MimePart, "type" | "parameters"> {
  if (header === undefined || header.trim() === "") return { type: defaultType, parameters };
  const [whole] = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+/.exec(value) ?? [];
  if (whole !== undefined) return { type: whole, parameters };
  return { type: /html?\b/i.test(value) ? "text/html" : "text/plain", parameters };
}

/** The first charset that says more than ASCII and UTF-8 do, be it in a header of a part or in HTML. */
function namedCharset(raw: Buffer): string | undefined {
  const beginning = raw.subarray(0, 100_000).toString("latin1");
  for (const [, label] of beginning.matchAll(/charset\s{0,5}=\s{0,5}["']?([\w.:-]{1,40})/gi)) {
    if (!isAsciiLabel(label) && charsetOf(label) !== "utf-8" && charsetOf(label) !== undefined) return label;
  }
  return undefined;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

const beginsWithHeader = (bytes: Buffer) => /^(?:\r?\n|[!-9;-~]{1,100}[ \t]*:)/.test(bytes.toString("latin1", 0, 200));

/** The headers' bytes, and what follows the blank line after them. */
function splitHead(bytes: Buffer): [Buffer, Buffer] {
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(newline, start);
    const end = found === -1 ? bytes.length : found;
    if (isEmptyLine(bytes, start, end)) return [bytes.subarray(0, start), bytes.subarray(end + 1)];
    start = end + 1;
  }
  return [bytes, bytes.subarray(bytes.length)];
}

const isEmptyLine = (bytes: Buffer, start: number, end: number) =>
  end === start || (end === start + 1 && bytes[start] === carriageReturn);

/** Each header as one line. The line by which mailbox files begin a mail is none. */
function unfold(head: Buffer, charset: string | undefined): MailHeader[] {
  const lines: string[][] = [];
  for (const line of head.toString("latin1").split("\n")) {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (/^[ \t]/.test(text)) lines.at(-1)?.push(text);
    else if (text !== "") lines.push([text]);
  }
  return lines.flatMap((pieces) => {
    const line = pieces.join("");
    const colon = line.indexOf(":");
    if (colon === -1 || /^From /.test(line)) return [];
    const name = line.slice(0, colon).trim();
    return [
      {
        name,
        value: readable(
          line
            .slice(colon + 1)
            .replaceAll("\r", " ")
            .trim(),
          charset,
        ),
      },
    ];
  });
}

/** Bytes beyond ASCII stand in headers against the old rules, and by the new ones are UTF-8. */
function readable(latin1: string, charset: string | undefined): string {
  return /[\x80-\xff]/.test(latin1) ? decodeText(Buffer.from(latin1, "latin1"), charset) : latin1;
}

/** The parts of a multipart's body; undefined where no boundary can be found. */
function splitBody(body: Buffer, boundary: string | undefined, maxPieces: number): Buffer[] | undefined {
  const pieces = boundary ? splitBy(body, boundary, maxPieces) : [];
  if (pieces.length > 0) return pieces;
  const guessed = guessBoundary(body);
  const found = guessed === undefined ? [] : splitBy(body, guessed, maxPieces);
  return found.length > 0 ? found : undefined;
}

/** A line of dashes and a word, with the header of a part below it. */
function guessBoundary(body: Buffer): string | undefined {
  const beginning = body.subarray(0, 20_000).toString("latin1");
  return /(?:^|\n)--([^\r\n]{1,200}?)[ \t]*\r?\nContent-[a-z-]{1,40}:/i.exec(beginning)?.[1];
}

function splitBy(body: Buffer, boundary: string, maxPieces: number): Buffer[] {
  const marker = Buffer.from(`--${boundary}`, "utf8");
  const pieces: Buffer[] = [];
  let start: number | undefined;
  for (let at = body.indexOf(marker); at !== -1; at = body.indexOf(marker, at + marker.length)) {
    const line = readBoundaryLine(body, at, marker.length);
    if (!line) continue;
    if (start !== undefined) pieces.push(body.subarray(start, endBefore(body, start, at)));
    start = line.isLast ? undefined : line.next;
    if (pieces.length > maxPieces) throw new ParseError(`the email has more than ${maxParts} parts`);
    if (line.isLast) break;
  }
  if (start !== undefined && start < body.length) pieces.push(body.subarray(start));
  return pieces;
}

function readBoundaryLine(body: Buffer, at: number, length: number): { next: number; isLast: boolean } | undefined {
  if (at > 0 && body[at - 1] !== newline) return undefined;
  const found = body.indexOf(newline, at + length);
  const end = found === -1 ? body.length : found;
  if (end - at - length > 200) return undefined;
  const rest = body.toString("latin1", at + length, end).trim();
  return rest === "" || rest === "--" ? { next: end + 1, isLast: rest === "--" } : undefined;
}

/** The line break before a boundary belongs to it. */
function endBefore(body: Buffer, start: number, at: number): number {
  if (at - 1 < start) return start;
  return at - 2 >= start && body[at - 2] === carriageReturn ? at - 2 : at - 1;
}
