import { Busboy } from "@fastify/busboy";
import { ParseError } from "../errors.ts";
import { decodeWords } from "./email/encoded-words.ts";

/** A field of a form, or an uploaded file. */
export interface FormField {
  name: string;
  /** The bytes as they came: raw mail need not be UTF-8. */
  content: Buffer;
  filename?: string | undefined;
  contentType?: string | undefined;
}

/** Nobody's mail has so many: it would be somebody who wants to keep us busy before we know who it is. */
const maxFields = 10_000;

/**
 * The fields of a multipart/form-data (RFC 7578) or application/x-www-form-urlencoded body, in their order. Throws a
 * ParseError for what is neither, for a form that breaks off, and for one of 10,000 fields or more.
 */
export async function readForm(contentType: string, body: Buffer): Promise<FormField[]> {
  if (/^multipart\//i.test(contentType)) return readMultipart(contentType, body);
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
 * Not by `Response.formData()`: that refuses the whole form when one file's name has an escaped quote or stands in
 * `filename*` (https://github.com/nodejs/undici/issues/3760), and loses bytes that are not UTF-8.
 */
function readMultipart(contentType: string, body: Buffer): Promise<FormField[]> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string) => reject(refusal(why));
    const fields: FormField[] = [];
    try {
      const parser = new Busboy({
        headers: { "content-type": contentType },
        isPartAFile: () => true,
        limits: { parts: 2 * maxFields },
        // A part that it passes over would fill its buffer, and then it waits for ever for somebody to read that.
        fileHwm: body.length + 1,
        highWaterMark: body.length + 1,
      });
      parser.on("file", (name, stream, filename, _encoding, type) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        // Without a listener an error, of a form that breaks off, would end the process.
        stream.on("error", (error) => refuse(error.message));
        stream.on("end", () => {
          const content = Buffer.concat(chunks);
          fields.push({ name, content, filename: decodeWords(filename ?? ""), contentType: type });
        });
      });
      parser.on("error", (error) => refuse(error instanceof Error ? error.message : "it cannot be read"));
      // What comes after the limit is passed over without a word: then the form is not whole.
      const isWhole = () => fields.length < maxFields;
      parser.on("finish", () => (isWhole() ? resolve(fields) : refuse(`it has ${maxFields} fields or more`)));
      parser.end(body);
    } catch (error) {
      refuse(error instanceof Error ? error.message : "it cannot be read");
    }
  });
}

const refusal = (why: string) => new ParseError(`the body is not the form that its content type says: ${why}`);

/** The text of a field; of the last one where several have the name. */
export function formText(fields: FormField[], name: string): string | undefined {
  return fields.findLast((field) => field.name === name)?.content.toString("utf8");
}
