/**
 * Is one of these words in what was stored: as it is, or as JSON, a URL, quoted-printable or base64 write it, or one of
 * them within another? Text and words have a character for each byte; capitals do not matter.
 */
export function hasMention(text: string, words: string[]): boolean {
  return isIn(text, new RegExp(words.map(asPattern).join("|"), "i"), 0);
}

/** A raw mail in base64, in JSON, in a form, and its own text in base64. */
const maxDepth = 4;

function isIn(text: string, pattern: RegExp, depth: number): boolean {
  if (pattern.test(text)) return true;
  if (depth === maxDepth || isBinary(text)) return false;
  return writings.some((decode) => decode(text).some((decoded) => isIn(decoded, pattern, depth + 1)));
}

/** As a whole: `ann@example.org` is not meant by `joann@example.org`, nor a number by a longer one. */
function asPattern(word: string): string {
  const escaped = word.replace(/[^\w@]/g, "\\$&");
  return word.includes("@") ? `(?<![\\w.-])${escaped}(?![\\w-]|\\.\\w)` : `(?<!\\d)0{0,2}${escaped}(?!\\d)`;
}

/** Each gives what a text says that is written so; nothing where none of it is. */
const writings: ((text: string) => string[])[] = [
  (text) => replaced(text, /\\(?:u([0-9a-f]{4})|([^u]))/gi, (_, code = "", sign = "") => ofJson(code, sign)),
  (text) => replaced(text, /%([0-9a-f]{2})/gi, (_, code = "") => ofByte(code)),
  (text) => replaced(text, /=(?:([0-9a-f]{2})|[ \t]*\r?\n)/gi, (_, code) => (code ? ofByte(code) : "")),
  ofBase64,
];

function replaced(text: string, written: RegExp, by: (whole: string, ...parts: string[]) => string): string[] {
  const decoded = text.replace(written, by);
  return decoded === text ? [] : [decoded];
}

const ofByte = (code: string) => String.fromCharCode(Number.parseInt(code, 16));
const breaks: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

function ofJson(code: string, sign: string): string {
  if (code === "") return breaks[sign] ?? sign;
  return Buffer.from(String.fromCharCode(Number.parseInt(code, 16))).toString("latin1");
}

/** In lines or in one, in either alphabet. */
const base64 = /[\w+/-]+(?:\r?\n[\w+/-]+)*/g;
/** No address is shorter. */
const minLength = 8;
/** Such a run may begin with signs that are not of it, as in a path. What is longer is a part of a mail, or a file. */
const maxDoubtful = 4_096;

function ofBase64(text: string): string[] {
  return [...text.matchAll(base64)].flatMap(([run]) => {
    const signs = run.replace(/\r?\n/g, "");
    if (signs.length < minLength) return [];
    const begins = signs.length > maxDoubtful ? [0] : [0, 1, 2, 3];
    return begins.map((begin) => Buffer.from(signs.slice(begin), "base64").toString("latin1"));
  });
}

const isBinary = (text: string) => text.slice(0, 1000).includes("\0");
