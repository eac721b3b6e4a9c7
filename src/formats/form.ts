import { ParseError } from "../errors.ts";
import { decodeText } from "./email/charset.ts";
import { parseStructured } from "./email/header-parameters.ts";

/** A field of a form, or an uploaded file. */
export interface FormField {
  name: string;
  /** The bytes as they came: raw mail need not be UTF-8. Of a large body they are a part of it, not a copy. */
  content: Buffer;
  filename?: string | undefined;
  contentType?: string | undefined;
}

/** Nobody's mail has so many: it would be somebody who wants to keep us busy before we know who it is. */
const maxFields = 10_000;

/**
 * The fields of a multipart/form-data (RFC 7578) or application/x-www-form-urlencoded body, in their order. Throws a
 * ParseError for what is neither, for a form that breaks off, and for one of 10,000 fields or more. One that `isCut` may break
 * off: its last field is so much of it as is there.
 */
export async function readForm(contentType: string, body: Buffer, { isCut = false } = {}): Promise<FormField[]> {
  if (/^multipart\//i.test(contentType)) return readMultipart(contentType, body, isCut);
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return readUrlencoded(body);
  throw refusal("that is no form's");
}

/**
 * The fields of an application/x-www-form-urlencoded body, as https://url.spec.whatwg.org/#urlencoded-parsing has it, but
 * with values as bytes: raw mail need not be UTF-8. Byte by byte, in one pass, because it is done before anybody is known
 * and for each webhook: expressions take 25 times as long for a body of escapes.
 */
export function readUrlencoded(body: Buffer): FormField[] {
  const fields: FormField[] = [];
  const bytes = Buffer.allocUnsafe(body.length);
  let length = 0;
  for (let start = 0, end: number; start < body.length; start = end + 1) {
    end = find(and, body, start, body.length);
    if (end === start) continue;
    if (fields.length + 1 >= maxFields) throw refusal(`it has ${maxFields} fields or more`);
    const cut = find(equals, body, start, end);
    const nameEnd = writeUnescaped(body, [start, cut], bytes, length);
    const valueEnd = writeUnescaped(body, [cut + 1, end], bytes, nameEnd);
    fields.push({ name: bytes.toString("utf8", length, nameEnd), content: bytes.subarray(nameEnd, valueEnd) });
    length = valueEnd;
  }
  return fields;
}

/** Where the sign stands between these two places; the second one if it does not. */
function find(sign: number, bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== sign) at++;
  return at;
}

/** Writes what is meant into the other bytes, from `length` on; gives where it ends. */
function writeUnescaped(escaped: Buffer, [from, to]: [number, number], bytes: Buffer, length: number): number {
  let end = length;
  for (let at = from; at < to; at++) {
    let byte = escaped[at] as number;
    if (byte === plus) byte = space;
    else if (byte === percent) {
      const [high, low] = [hexValue(escaped[at + 1]), hexValue(escaped[at + 2])];
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        at += 2;
      }
    }
    bytes[end++] = byte;
  }
  return end;
}

const [and, equals, percent, plus, space] = [0x26, 0x3d, 0x25, 0x2b, 0x20];

const hexDigits = new Map(
  [..."0123456789abcdefABCDEF"].map((digit) => [digit.charCodeAt(0), Number.parseInt(digit, 16)]),
);
const valueOfHex = Int8Array.from({ length: 256 }, (_, byte) => hexDigits.get(byte) ?? -1);

/** -1 for what is no digit. */
const hexValue = (byte: number | undefined): number => valueOfHex[byte ?? 0] ?? -1;

/**
 * By hand: `Response.formData()` refuses the whole form for one odd file name and loses bytes that are not UTF-8
 * (https://github.com/nodejs/undici/issues/3760), and other readers take `filename` although `filename*` is there, in which
 * alone the name is whole. Takes a time that grows with the body's length alone.
 */
function readMultipart(contentType: string, given: Buffer, isCut: boolean): FormField[] {
  const boundary = parseStructured(contentType).parameters.get("boundary");
  if (!boundary) throw refusal("it names no boundary");
  const body = isCut ? Buffer.concat([given, Buffer.from(`\r\n\r\n\r\n--${boundary}--`)]) : given;
  const marker = Buffer.from(`\r\n--${boundary}`, "utf8");
  const fields: FormField[] = [];
  let line = body.indexOf(marker.subarray(2)) === 0 ? lineAfter(body, marker.length - 2) : findLine(body, marker, 0);
  for (let count = 0; line && !line.isLast; count++) {
    if (count + 1 >= maxFields) throw refusal(`it has ${maxFields} fields or more`);
    // A part without headers begins with the blank line.
    const headEnd = body.indexOf("\r\n\r\n", line.end - 2);
    const next = headEnd === -1 ? undefined : findLine(body, marker, headEnd + 2);
    if (!next) break;
    const field = readField(
      body.subarray(line.end, headEnd),
      body.subarray(headEnd + 4, Math.max(next.start, headEnd + 4)),
    );
    if (field) fields.push(field);
    line = next;
  }
  if (!line?.isLast) throw refusal("it breaks off");
  return fields;
}

interface BoundaryLine {
  /** Where what stands before it ends, and where what follows it begins. */
  start: number;
  end: number;
  isLast: boolean;
}

function findLine(body: Buffer, marker: Buffer, from: number): BoundaryLine | undefined {
  for (let at = body.indexOf(marker, from); at !== -1; at = body.indexOf(marker, at + marker.length)) {
    const line = lineAfter(body, at + marker.length);
    if (line) return { ...line, start: at };
  }
  return undefined;
}

const maxPadding = 100;

/** Undefined for what only begins like a boundary. */
function lineAfter(body: Buffer, at: number): BoundaryLine | undefined {
  const rest = body.toString("latin1", at, at + maxPadding);
  if (rest.startsWith("--")) return { start: 0, end: at + 2, isLast: true };
  const [padding] = /^[ \t]*\r\n/.exec(rest) ?? [];
  return padding === undefined ? undefined : { start: 0, end: at + padding.length, isLast: false };
}

/** Undefined for a part that has no name. */
function readField(head: Buffer, content: Buffer): FormField | undefined {
  const headers = new Map(
    decodeText(head)
      .replace(/\r\n(?=[ \t])/g, "")
      .split("\r\n")
      .map((header) => [header.split(":", 1)[0]?.trim().toLowerCase(), header.slice(header.indexOf(":") + 1)]),
  );
  const { parameters } = parseStructured(headers.get("content-disposition"));
  const name = parameters.get("name");
  if (name === undefined) return undefined;
  const filename = parameters.get("filename")?.split(/[/\\]/).at(-1);
  const contentType = parseStructured(headers.get("content-type")).value || "text/plain";
  return { name, content, filename: filename ?? "", contentType };
}

const refusal = (why: string) => new ParseError(`the body is not the form that its content type says: ${why}`);

/** The text of a field; of the last one where several have the name. */
export function formText(fields: readonly FormField[], name: string, charset?: string): string | undefined {
  const content = fields.findLast((field) => field.name === name)?.content;
  return content && decodeText(content, charset);
}
