import { decodeText } from "./charset.ts";

/**
 * A header's text with its encoded words decoded, https://www.rfc-editor.org/rfc/rfc2047. Words that follow one another are
 * one text: their bytes are joined before they are read as characters, for many mail programs cut within a character.
 * Takes a time that grows with the header's length alone.
 */
export function decodeWords(header: string): string {
  const pieces: string[] = [];
  let run: EncodedWord[] = [];
  let end = 0;
  for (const word of findWords(header)) {
    const between = header.slice(end, word.start);
    const isNext = run.length > 0 && between.trim() === "";
    if (!isNext || run[0]?.charset !== word.charset) {
      pieces.push(decodeRun(run), isNext ? "" : between);
      run = [];
    }
    run.push(word);
    end = word.end;
  }
  return [...pieces, decodeRun(run), header.slice(end)].join("");
}

/** A charset, perhaps with a language after it, and one letter for the encoding. */
const wordStart = /=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?/giy;

function* findWords(header: string): Generator<EncodedWord> {
  for (let at = header.indexOf("=?"); at !== -1; at = header.indexOf("=?", at)) {
    wordStart.lastIndex = at;
    const [opening, charset = "", encoding = ""] = wordStart.exec(header) ?? [];
    if (opening === undefined) {
      at += 2;
      continue;
    }
    const start = at + opening.length;
    const end = header.indexOf("?=", start);
    if (end === -1) return;
    const text = header.slice(start, end);
    yield { charset: charset.toLowerCase(), isBase64: /b/i.test(encoding), text, start: at, end: end + 2 };
    at = end + 2;
  }
}

interface EncodedWord {
  charset: string;
  isBase64: boolean;
  text: string;
  start: number;
  end: number;
}

function decodeRun(words: EncodedWord[]): string {
  const [first] = words;
  if (!first) return "";
  const bytes: Buffer[] = [];
  let base64 = "";
  for (const { isBase64, text } of words) {
    if (isBase64) base64 += text;
    // A word that is filled up ends by itself; one that is not goes on in the next.
    if (base64 !== "" && (!isBase64 || text.endsWith("=") || base64.length % 4 === 0)) {
      bytes.push(Buffer.from(base64, "base64"));
      base64 = "";
    }
    if (!isBase64) bytes.push(decodeQ(text));
  }
  return decodeText(Buffer.concat([...bytes, Buffer.from(base64, "base64")]), first.charset);
}

/** What stands there unencoded, against the rules, is taken for UTF-8. */
function decodeQ(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll("_", " "), "utf8").toString("latin1");
  const decoded = bytes.replace(/=([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(decoded, "latin1");
}
