/** The bytes of a part, out of its Content-Transfer-Encoding: https://www.rfc-editor.org/rfc/rfc2045#section-6. */
export function decodeTransfer(body: Buffer, encoding: string | undefined): Buffer {
  const spelled = (encoding ?? "").toLowerCase().replace(/\bbase[ _-]64/, "base64");
  const word = /[\w-]+/.exec(spelled.replace(/quoted[ _]?printable/, "quoted-printable"))?.[0] ?? "";
  return (decoders[word] ?? unchanged)(body);
}

const unchanged = (body: Buffer) => body;
const decoders: Partial<Record<string, (body: Buffer) => Buffer>> = {
  base64: decodeBase64,
  "quoted-printable": decodeQuotedPrintable,
  "x-uuencode": decodeUu,
  "x-uue": decodeUu,
  uuencode: decodeUu,
};

const maxPieces = 1000;

/**
 * What is filled up in the middle goes on behind: Node alone would stop there. Words that stand below, as list servers add
 * them, or instead, as where nothing was encoded at all, stay as they are.
 */
function decodeBase64(body: Buffer): Buffer {
  const text = body.toString("latin1");
  const words = wordsBeginAt(text);
  if (words === 0) return body;
  if (words !== undefined)
    return Buffer.concat([decodeBase64(body.subarray(0, words)), Buffer.from("\n"), body.subarray(words)]);
  const end = text.indexOf("=");
  if (end === -1 || !/[A-Za-z\d+/]/.test(text.slice(end, end + 100_000))) return Buffer.from(text, "base64");
  return Buffer.concat(text.split(/=+\s*/, maxPieces).map((piece) => Buffer.from(piece, "base64")));
}

/** The first line that begins with a short word and a blank, or with a rule, where the rest has no longer line of base64. */
function wordsBeginAt(text: string): number | undefined {
  const line = /^[^\S\r\n]*(?:[^\s]{1,30}[ \t]+[^\s]|[_-]{4,}[ \t]*\r?$)/m.exec(text);
  if (!line || /^[A-Za-z\d+/]{60,}={0,2}\s*$/m.test(text.slice(line.index))) return undefined;
  return line.index;
}

const equals = 0x3d;
const newline = 0x0a;
const carriageReturn = 0x0d;

/** Also what is not quite so: blanks at a line's end are none of the text, and an equals sign before no digits is itself. */
function decodeQuotedPrintable(body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(body.length);
  let length = 0;
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(newline, start);
    const end = found === -1 ? body.length : found + 1;
    length = decodeLine(body.subarray(start, end), bytes, length);
    start = end;
  }
  return bytes.subarray(0, length);
}

/** Writes a line to its place in the bytes, and gives where it ends. */
function decodeLine(line: Buffer, bytes: Buffer, place: number): number {
  const lineBreak = lineBreakOf(line);
  let end = line.length - lineBreak;
  while (lineBreak > 0 && isBlank(line[end - 1])) end--;
  const isSoft = line[end - 1] === equals;
  const last = isSoft ? end - 1 : end;
  let length = place;
  for (let at = 0; at < last; at++) {
    const byte = line[at] ?? 0;
    const value = byte === equals ? hexValue(line[at + 1]) * 16 + hexValue(line[at + 2]) : -1;
    bytes[length++] = value >= 0 ? value : byte;
    if (value >= 0) at += 2;
  }
  return isSoft ? length : length + line.copy(bytes, length, line.length - lineBreak);
}

function lineBreakOf(line: Buffer): number {
  if (line.at(-1) !== newline) return 0;
  return line.at(-2) === carriageReturn ? 2 : 1;
}

const isBlank = (byte: number | undefined) => byte === 0x20 || byte === 0x09 || byte === carriageReturn;

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1000;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte & 0xdf;
  return letter >= 0x41 && letter <= 0x46 ? letter - 0x37 : -1000;
}

/** https://pubs.opengroup.org/onlinepubs/9699919799/utilities/uuencode.html */
function decodeUu(body: Buffer): Buffer {
  const bytes: number[] = [];
  for (const line of body.toString("latin1").split(/\r?\n/)) {
    if (/^begin(-base64)? /.test(line) || line === "end" || line === "") continue;
    const size = (line.charCodeAt(0) - 32) & 63;
    const first = bytes.length;
    for (let at = 1; bytes.length - first < size && at < line.length; at += 4) {
      const bits = [0, 1, 2, 3].reduce((sum, index) => sum * 64 + (((line.charCodeAt(at + index) || 32) - 32) & 63), 0);
      for (const shift of [16, 8, 0]) if (bytes.length - first < size) bytes.push((bits >> shift) & 255);
    }
  }
  return Buffer.from(bytes);
}
