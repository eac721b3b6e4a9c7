import { isAscii, isUtf8 } from "node:buffer";
import { normalizeEncoding, TextDecoder } from "@exodus/bytes/encoding.js";

/**
 * Text in the charset that its sender says, and that its bytes bear out. Whatever label is given, it is never refused:
 *
 * - a byte order mark says more than any label, https://encoding.spec.whatwg.org/#bom-sniff;
 * - bytes that are UTF-8 beyond ASCII are hardly ever anything else, so a label of one byte a character does not count
 *   against them; of a charset of several bytes a character the label counts as long as the bytes fit it;
 * - bytes that hold no UTF-8 at all are not UTF-8, and without a label that can be used they are windows-1252.
 *
 * Not by Node's own TextDecoder: from 20.18.3 on it reads windows-1252 as ISO 8859-1, and other labels not as the
 * standard has them (https://github.com/nodejs/node/issues/56542).
 */
export function decodeText(bytes: Uint8Array, label?: string): string {
  const marked = byteOrderMark(bytes);
  if (marked) return decode(bytes, marked);
  const charset = charsetOf(label);
  if (isEscaped(bytes) && (charset === undefined || charset === "utf-8" || charset === "windows-1252")) {
    return decode(bytes, "iso-2022-jp");
  }
  if (isUtf8(bytes)) return decodeUtf8(bytes, charset);
  if (charset === undefined || (charset === "utf-8" && !holdsUtf8(bytes))) return decode(bytes, "windows-1252");
  return decode(bytes, charset);
}

/** The charset that a label names, by its name in the Encoding Standard; undefined for one that names none. */
export function charsetOf(label: string | undefined): string | undefined {
  const word = /[^\s"'=;,]+/.exec(label ?? "")?.[0].toLowerCase() ?? "";
  const known = normalizeEncoding(word) ?? normalizeEncoding(aliases[word.replace(/^x-|[-_]/g, "")] ?? "");
  return known === null || known === "replacement" ? undefined : known;
}

/** Does the label say what nothing but ASCII is, though often it is more? */
export function isAsciiLabel(label: string | undefined): boolean {
  const word = (label ?? "").slice(0, 100).replace(/["'\s]+/g, "");
  return /^(us-?ascii|ascii|ansi_x3\.4-1968|iso-ir-6|7bit|unknown.*)?$/i.test(word);
}

/** Names that mail programs use and the standard does not list, without dashes and `x-`. */
const aliases: Record<string, string> = {
  utf8mb4: "utf-8",
  unicode11utf8: "utf-8",
  utf16: "utf-16le",
  ucs2: "utf-16le",
  cp932: "shift_jis",
  ms932: "shift_jis",
  windows932: "shift_jis",
  mskanji: "shift_jis",
  cp936: "gbk",
  ms936: "gbk",
  windows936: "gbk",
  cp949: "euc-kr",
  ms949: "euc-kr",
  uhc: "euc-kr",
  cp950: "big5",
  windows950: "big5",
  cp874: "windows-874",
  cp51932: "euc-jp",
  cp50220: "iso-2022-jp",
  cp50221: "iso-2022-jp",
  iso2022jpms: "iso-2022-jp",
  iso2022jp1: "iso-2022-jp",
  iso2022jp2: "iso-2022-jp",
  cp1252: "windows-1252",
  ansi: "windows-1252",
  koi8: "koi8-r",
  cp20866: "koi8-r",
  cp21866: "koi8-u",
  macroman: "macintosh",
};

const severalBytes = /^(gb|big5|euc|shift_jis|iso-2022|utf-16)/;

function decodeUtf8(bytes: Uint8Array, charset: string | undefined): string {
  if (charset === undefined || !severalBytes.test(charset)) return decode(bytes, "utf-8");
  if (isAllOfThreeBytes(bytes)) return decode(bytes, "utf-8");
  const text = decode(bytes, charset);
  return text.includes("\ufffd") && !isAscii(bytes) ? decode(bytes, "utf-8") : text;
}

/** Characters of East Asia in UTF-8, which happen to fit another charset as well; a few may do so by chance. */
function isAllOfThreeBytes(bytes: Uint8Array): boolean {
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const rest = latin1.replace(/[\xe3-\xed][\x80-\xbf]{2}|\xef[\xbc-\xbf][\x80-\xbf]/g, "");
  return latin1.length - rest.length >= 12 && !/[\x80-\xff]/.test(rest);
}

function decode(bytes: Uint8Array, charset: string): string {
  if (charset !== "utf-8") return new TextDecoder(charset).decode(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

function byteOrderMark([first, second, third]: Uint8Array): string | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
}

/** Japanese in seven bits begins by an escape, whatever is said of it: https://www.rfc-editor.org/rfc/rfc1468 */
function isEscaped(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(0x1b);
  return at !== -1 && bytes[at + 1] === 0x24 && (bytes[at + 2] === 0x40 || bytes[at + 2] === 0x42);
}

/** Is there a whole character of several bytes, so that what does not fit is damage and no other charset? */
function holdsUtf8(bytes: Uint8Array): boolean {
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return /[\xc2-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}/.test(latin1);
}
