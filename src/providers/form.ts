import { decodeWords } from "postal-mime";
import { ParseError } from "../errors.ts";

/** A field of a form. `content` is a view into the body, not a copy. */
export interface FormField {
  name: string;
  content: Buffer;
  filename?: string | undefined;
  contentType?: string | undefined;
}

const maxFields = 10_000;
const maxPartHeadBytes = 16_384;

/**
 * The fields of a multipart/form-data (RFC 7578) or application/x-www-form-urlencoded body, in their order. Not by
 * `Response.formData()`: that refuses the whole form when one file's name has an escaped quote or stands in `filename*`
 * (https://github.com/nodejs/undici/issues/3760), and loses bytes that are not UTF-8, as mail has them.
 */
export function readForm(contentType: string, body: Buffer): FormField[] {
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return readUrlEncoded(body);
  const boundary = /^multipart\/form-data\b/i.test(contentType) && parametersOf(contentType).get("boundary");
  if (!boundary) throw new ParseError("the content type is no form's, or names no boundary");
  return readMultipart(body, boundary);
}

/** The text of a field; of the last one where several have the name. */
export function formText(fields: FormField[], name: string): string | undefined {
  return fields.findLast((field) => field.name === name)?.content.toString("utf8");
}

function readMultipart(body: Buffer, boundary: string): FormField[] {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const fields: FormField[] = [];
  let at = body.indexOf(delimiter.subarray(2));
  while (at !== -1) {
    const start = at + delimiter.length - 2;
    if (body.toString("latin1", start, start + 2) === "--") return fields;
    const end = body.indexOf(delimiter, start);
    if (end === -1) break;
    addField(fields, readPart(body.subarray(start, end)));
    at = end + 2;
  }
  throw new ParseError("the form breaks off: it has no closing boundary");
}

/** Nobody's mail has so many headers: it would be somebody who wants to keep us busy before we know who it is. */
function addField(fields: FormField[], field: FormField): void {
  if (fields.push(field) > maxFields) throw new ParseError(`the form has more than ${maxFields} fields`);
}

function readPart(part: Buffer): FormField {
  const split = part.subarray(0, maxPartHeadBytes).indexOf("\r\n\r\n");
  const head = part.toString("utf8", 0, Math.max(split, 0));
  const disposition = parametersOf(/^content-disposition:([^\r\n]*)/im.exec(head)?.[1] ?? "");
  const name = disposition.get("name");
  if (name === undefined) throw new ParseError("a part of the form has no name");
  const extended = disposition.get("filename*");
  return {
    name,
    content: part.subarray(split + 4),
    filename: extended ? decodeExtended(extended) : decodeWords(disposition.get("filename") ?? "") || undefined,
    contentType: /^content-type:\s*([^\s;]+)/im.exec(head)?.[1],
  };
}

/** The parameters of a header such as `form-data; name="a"; filename="b \"c\".pdf"`, by their names in lower case. */
function parametersOf(header: string): Map<string, string> {
  const parameters = header.matchAll(/;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g);
  return new Map(
    [...parameters].map(([, name = "", quoted, plain = ""]) => [
      name.toLowerCase(),
      quoted?.replace(/\\(["\\])/g, "$1") ?? plain,
    ]),
  );
}

/** `utf-8''M%C3%A4rz.pdf`: https://www.rfc-editor.org/rfc/rfc5987#section-3.2 */
function decodeExtended(value: string): string {
  const encoded = value.replace(/^[^']*'[^']*'/, "");
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function readUrlEncoded(body: Buffer): FormField[] {
  const fields: FormField[] = [];
  const pairs = body.toString("latin1").matchAll(/([^&=]*)=?([^&]*)(?:&|$)/g);
  for (const [pair, name = "", value = ""] of pairs) {
    if (pair !== "" && pair !== "&")
      addField(fields, { name: decodeBytes(name).toString("utf8"), content: decodeBytes(value) });
  }
  return fields;
}

/** `unescape` and not `decodeURIComponent`: it gives a character for each byte, and leaves alone what is no escape. */
function decodeBytes(encoded: string): Buffer {
  return Buffer.from(unescape(encoded.replaceAll("+", " ")), "latin1");
}
