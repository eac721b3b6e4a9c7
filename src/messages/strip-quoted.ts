import { ownWordsOfHtml } from "./quoted-html.ts";
import { forwardWords, headerWords, originalWords, wroteWords } from "./quote-words.ts";

/**
 * What a person wrote anew in a reply: without the mail that it quotes, be that below, above or between the new lines.
 * Where the reply's HTML marks what it quotes, that tells; else the text alone, and then only what mail programs put above
 * a quote counts, so that nothing is cut that a person may have written. Signatures stay, for what looks like one is too
 * often followed by something that matters. Where nothing is quoted, or everything is, and for a forwarded mail, it is the
 * whole text.
 *
 * Takes a time that grows with the text's length alone.
 */
export function stripQuoted(text: string, html?: string): string {
  if (isForward(text)) return text;
  const marked = html === undefined ? undefined : ownWordsOfHtml(html);
  const own = stripText(marked ?? text) ?? marked;
  return own === undefined || own.trim() === "" ? text : own;
}

/** Longer lines are no mail program's. */
const maxLineLength = 300;
/** Mail programs break the line above a quote where it is long. */
const maxAttributionLines = 3;

/** Undefined where nothing is quoted. */
function stripText(text: string): string | undefined {
  const lines = toLines(text);
  const own: string[] = [];
  // Once a quote is known to be one, marked lines further down go with it.
  let isQuoting = /^\s*>/.test(text);
  let quotes = 0;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    if (isMarked(line) && (isQuoting || attributionAt(lines, at) > 0)) {
      if (own.at(-1) === "") own.pop();
      at = endOfMarked(lines, at);
      quotes++;
    } else if (beginsRest(lines, at)) {
      quotes++;
      dropRule(own);
      break;
    } else {
      const length = attributionAt(lines, at);
      quotes += length > 0 ? 1 : 0;
      if (length === 0) own.push(line);
      at = length === 0 ? at + 1 : endOfMarked(lines, at + length);
    }
    isQuoting ||= quotes > 0;
  }
  return quotes === 0 ? undefined : own.join("\n").trim();
}

function toLines(text: string): string[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  return lines.map((line) => line.trimEnd()).filter((line, index, all) => line !== "" || all[index - 1] !== "" || all[index - 2] !== "");
}

const isMarked = (line: string) => line.startsWith(">");

/** Where marked lines end that begin here, perhaps below a blank line. */
function endOfMarked(lines: string[], start: number): number {
  let at = start;
  while (lines[at] === "") at++;
  if (!isMarked(lines[at] ?? "")) return start;
  while (isMarked(lines[at] ?? "")) at++;
  return at;
}

/** How many lines the program's words above a marked quote have that begin here; 0 where there are none. */
function attributionAt(lines: string[], at: number): number {
  for (let count = 1; count <= maxAttributionLines; count++) {
    const said = joined(lines, at, count);
    if (said === undefined || (count > 1 && !mayBeBroken(lines[at] ?? ""))) return 0;
    if (isMarked(lines[at] ?? "")) {
      if (isAttribution(said, true)) return count;
    } else if (isAttribution(said, false) && isMarked(lines[endOfBlank(lines, at + count)] ?? "")) return count;
  }
  return 0;
}

function endOfBlank(lines: string[], start: number): number {
  return lines[start] === "" ? start + 1 : start;
}

/** Does everything from here on belong to a quote that nothing marks? */
function beginsRest(lines: string[], at: number): boolean {
  const line = lines[at] ?? "";
  if (isOriginal(line) || isHeaderBlock(lines, at)) return true;
  for (let count = 1; count <= maxAttributionLines; count++) {
    const said = joined(lines, at, count);
    if (said === undefined || (count > 1 && !mayBeBroken(line))) return false;
    if (isAttribution(said, true) && !isMarked(lines[endOfBlank(lines, at + count)] ?? "")) return true;
  }
  return false;
}

/** Is it the beginning of a line that a mail program broke? Above a quote it begins by the date or by the mailbox. */
const mayBeBroken = (line: string) => dateShape.test(line) || /<$/.test(line) || addressShape.test(line);

/** Some lines as one, without the marks before them; undefined where one is empty or too long for a mail program's. */
function joined(lines: string[], at: number, count: number): string | undefined {
  const some = lines.slice(at, at + count).map((line) => line.replace(/^[>\s]+/, ""));
  if (some.length < count || some.some((line) => line === "" || line.length > maxLineLength)) return undefined;
  return some.join(" ").replace("< ", "<");
}

const dateShape = /\b\d{4}\b|\d{4}\s?[年년г]|\b\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}/;
const timeShape = /\d{1,2}[:.h]\s?\d{2}/;
const addressShape = /[^\s<>@]{1,64}@[^\s<>@]{1,255}\.[^\s<>@]{2,60}/;
const wrote = new RegExp(`(?:^|[^\\p{L}])(?:${wroteWords.map(escaped).join("|")})(?![\\p{L}])|写道|寫道|書きました|のメ(?:ッセージ|ール)|님이`, "iu");

/** "On Sat, Nov 21, 2026 at 10:59, Ann <ann@example.org> wrote:", for which a person's "On Monday Bob wrote:" is too little. */
function isAttribution(said: string, standsAlone: boolean): boolean {
  const isSaid = /[:：]\s*\**$/.test(said) || /(?:写道|寫道)[：:]?$/.test(said);
  if (!isSaid) return false;
  const hasDate = dateShape.test(said);
  const hasAddress = addressShape.test(said);
  if (wrote.test(said)) return hasDate || hasAddress || !standsAlone;
  return hasDate && hasAddress && !standsAlone && timeShape.test(said.replace(dateShape, ""));
}

const original = new RegExp(`^[-_=*\\s]{2,60}(?:${originalWords.map(escaped).join("|")})[-_=*\\s]{2,60}$`, "iu");
const isOriginal = (line: string) => line.length <= maxLineLength && original.test(line);

const forward = new RegExp(`^[-_=*>\\s]{0,60}(?:${forwardWords.map(escaped).join("|")})[^\\n]{0,60}?[-_=*:：\\s]{1,60}$`, "iu");

function isForward(text: string): boolean {
  return text.split("\n", 20_000).some((line) => line.length <= 150 && forward.test(line));
}

type HeaderKind = keyof typeof headerWords;
const headerKinds: readonly HeaderKind[] = ["from", "date", "to", "subject"];
const headerShapes = headerKinds.map(
  (kind) => [kind, new RegExp(`^[\\s*>]{0,10}(?:${headerWords[kind].map(escaped).join("|")})\\s?\\**\\s?[:：]`, "iu")] as const,
);

/** Four lines would be a journey that a person asks for, too: so it is a mail's headers only with a subject or an address. */
function isHeaderBlock(lines: string[], at: number): boolean {
  const first = lines[at] ?? "";
  if (first.length > maxLineLength || !headerShapes[0]?.[1].test(first)) return false;
  const end = lines.indexOf("", at);
  const block = lines.slice(at, Math.min(end === -1 ? lines.length : end, at + 7)).map((line) => line.slice(0, maxLineLength));
  const kinds = new Set(block.slice(1).flatMap((line) => headerShapes.flatMap(([kind, shape]) => (shape.test(line) ? [kind] : []))));
  const isAddressed = block.some((line) => addressShape.test(line));
  return kinds.has("date") ? kinds.has("subject") || (kinds.has("to") && isAddressed) : kinds.has("subject") && isAddressed;
}

/** Outlook draws a line above the headers of what it quotes. */
function dropRule(own: string[]): void {
  while (own.at(-1) === "") own.pop();
  if (/^\s*([-_=])\1{9,}$/.test(own.at(-1)?.slice(0, maxLineLength) ?? "")) own.pop();
}

function escaped(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
