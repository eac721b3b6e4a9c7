import { forwardWords, headerWords, originalWords, wroteWords } from "./quote-words.ts";
import { ownWordsOfHtml } from "./quoted-html.ts";

/**
 * What a person wrote anew in a reply: without the mail that it quotes, be that below, above or between the new lines.
 * Where the reply's HTML marks what it quotes, that tells; else the text alone, and then only what mail programs put above
 * a quote counts, so that nothing is cut that a person may have written. Signatures stay, for what looks like one is too
 * often followed by something that matters. Where nothing is quoted, or everything is, and for a forwarded mail, it is the
 * whole text; and where it is longer than any that a person reads.
 *
 * Takes a time that grows with the text's length alone.
 */
export function stripQuoted(text: string, html?: string): string {
  if (text.length > maxText || isForward(text)) return text;
  const marked = html === undefined ? undefined : ownWordsOfHtml(html);
  const own = stripText(marked ?? text) ?? marked;
  return own === undefined || own.trim() === "" ? text : own;
}

const maxText = 200_000;
/** Longer lines are no mail program's. */
const maxLineLength = 300;
/** Mail programs break the line above a quote where it is long. */
const maxAttributionLines = 3;

/** Undefined where nothing is quoted. */
function stripText(text: string): string | undefined {
  const lines = toLines(text);
  const own: string[] = [];
  let at = 0;
  // Once a quote is known to be one, marked lines further down go with it.
  let isQuoting = isMarked(text.trimStart());
  let quotes = 0;
  while (at < lines.length && !beginsRest(lines, at)) {
    const end = endOfQuote(lines, at, isQuoting);
    if (end === at) {
      own.push(lines[at++] ?? "");
      continue;
    }
    if (isMarked(lines[at] ?? "") && own.at(-1) === "") own.pop();
    isQuoting = true;
    quotes++;
    at = end;
  }
  if (at < lines.length) dropRule(own);
  return quotes === 0 && at === lines.length ? undefined : own.join("\n").trim();
}

/** Where the quote ends that begins here; the same place where none does. */
function endOfQuote(lines: string[], at: number, isQuoting: boolean): number {
  const length = attributionAt(lines, at);
  if (isMarked(lines[at] ?? "")) return isQuoting || length > 0 ? endOfMarked(lines, at) : at;
  return length > 0 ? endOfMarked(lines, at + length) : at;
}

function toLines(text: string): string[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  return lines
    .map((line) => line.trimEnd())
    .filter((line, index, all) => line !== "" || all[index - 1] !== "" || all[index - 2] !== "");
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
  const isWithin = isMarked(lines[at] ?? "");
  return (
    1 +
    sayings(lines, at).findIndex((said, index) => {
      return isWithin ? isAttribution(said, true) : isAttribution(said, false) && isAboveMarked(lines, at + index + 1);
    })
  );
}

/** Does everything from here on belong to a quote that nothing marks? */
function beginsRest(lines: string[], at: number): boolean {
  const line = lines[at] ?? "";
  if (isMarked(line)) return false;
  if ((isOriginal(line) && isHeader(lines[at + 1] || lines[at + 2])) || isHeaderBlock(lines, at)) return true;
  return sayings(lines, at).some((said, index) => isAttribution(said, true) && !isAboveMarked(lines, at + index + 1));
}

const isAboveMarked = (lines: string[], at: number) => isMarked(lines[lines[at] === "" ? at + 1 : at] ?? "");

const sayingEnds: ReadonlySet<string | undefined> = new Set([":", "：", "*", "道", "-"]);
/** For the direction of writing, which mail programs in Hebrew and Arabic put around names and at the end. */
const directions = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** What may be one line of a mail program's that begins here: the line, and with one or two more where it may be broken. */
function sayings(lines: string[], at: number): string[] {
  if (
    !lines
      .slice(at, at + maxAttributionLines)
      .some((line) => sayingEnds.has(line.slice(-10).replace(directions, "").at(-1)))
  )
    return [];
  const most = mayBeBroken(lines[at] ?? "") ? maxAttributionLines : 1;
  const all = Array.from({ length: most }, (_, index) => joined(lines, at, index + 1));
  const end = all.indexOf(undefined);
  return all.slice(0, end === -1 ? most : end).filter((said) => said !== undefined);
}

/** Is it the beginning of a line that a mail program broke? Above a quote it begins by the date or by the mailbox. */
const mayBeBroken = (line: string) =>
  line.length <= maxLineLength && (dateShape.test(line) || /<$/.test(line) || addressShape.test(line));

/** Some lines as one, without the marks before them; undefined where one is empty or too long for a mail program's. */
function joined(lines: string[], at: number, count: number): string | undefined {
  const some = lines.slice(at, at + count).map((line) => line.replace(/^[>\s]+/, "").replace(directions, ""));
  if (some.length < count || some.some((line) => line === "" || line.length > maxLineLength)) return undefined;
  return some.join(" ").replace("< ", "<");
}

const dateShape = /\b\d{4}\b|\d{4}\s?[年년г]|\b\d{1,2}[./-]\s?\d{1,2}[./-]\s?\d{2,4}/;
const timeShape = /\d{1,2}[:.h]\s?\d{2}/;
const addressShape = /[^\s<>@]{1,64}@[^\s<>@]{1,255}\.[^\s<>@]{2,60}/;
const wrote = new RegExp(
  `(?:^|[^\\p{L}])(?:${wroteWords.map(escaped).join("|")})(?![\\p{L}])|写道|寫道|書きました|のメ(?:ッセージ|ール)|님이`,
  "iu",
);

/** "On Sat, Nov 21, 2026 at 10:59, Ann <ann@example.org> wrote:", for which a person's "On Monday Bob wrote:" is too little. */
function isAttribution(said: string, standsAlone: boolean): boolean {
  const isSaid = /[:：]\s*\**$/.test(said) || /(?:写道|寫道)[：:]?$/.test(said) || /^-{3,}\s.+\s-{3,}$/.test(said);
  if (!isSaid) return false;
  const hasDate = dateShape.test(said);
  const hasAddress = addressShape.test(said);
  if (wrote.test(said)) return hasDate || hasAddress || !standsAlone;
  return hasDate && hasAddress && !standsAlone && timeShape.test(said.replace(dateShape, ""));
}

const original = new RegExp(`^[-_=*\\s]{2,60}(?:${originalWords.map(escaped).join("|")})[-_=*\\s]{2,60}$`, "iu");
const isOriginal = (line: string) => /^[-_=*\s]/.test(line) && line.length <= maxLineLength && original.test(line);

const forward = new RegExp(
  `^[-_=*>\\s]{0,60}(?:${forwardWords.map(escaped).join("|")})[^\\n]{0,60}?[-_=*:：\\s]{1,60}$`,
  "iu",
);

function isForward(text: string): boolean {
  return text
    .split("\n", 20_000)
    .some((line) => line.length <= 150 && /[-_=*:：]\s*$/.test(line) && forward.test(line));
}

const maxHeaderLines = 7;

type HeaderKind = keyof typeof headerWords;
const headerKinds: readonly HeaderKind[] = ["from", "date", "to", "subject"];
const headerShapes = headerKinds.map(
  (kind) =>
    [kind, new RegExp(`^[\\s*>]{0,10}(?:${headerWords[kind].map(escaped).join("|")})\\s?\\**\\s?[:：]`, "iu")] as const,
);

/** Below the words "original message" alone may stand whatever a person has to say of them. */
const isHeader = (line = "") => headerShapes.some(([, shape]) => shape.test(line.slice(0, maxLineLength)));

/**
 * Four lines would be a journey that a person asks for, too: so it is a mail's headers only with an address, or in the
 * order in which Outlook writes them.
 */
function isHeaderBlock(lines: string[], at: number): boolean {
  const first = lines[at] ?? "";
  if (!/[:：]/.test(first) || first.length > maxLineLength) return false;
  // Some begin by the date, and name the sender next.
  const isFrom = (line: string) => headerShapes[0]?.[1].test(line.slice(0, maxLineLength)) === true;
  const next = lines[at + 1] ?? "";
  if (!isFrom(first) && !(headerShapes[1]?.[1].test(first) && isFrom(next) && addressShape.test(next))) return false;
  const below = lines.slice(at, at + maxHeaderLines);
  const end = below.indexOf("");
  const block = (end === -1 ? below : below.slice(0, end)).map((line) => line.slice(0, maxLineLength));
  const kinds = new Set(
    block.slice(1).flatMap((line) => headerShapes.flatMap(([kind, shape]) => (shape.test(line) ? [kind] : []))),
  );
  if (!block.some((line) => addressShape.test(line))) return /^date,(to,)?subject/.test([...kinds].join(","));
  return kinds.has("subject") || (kinds.has("date") && kinds.has("to"));
}

/** Outlook draws a line above the headers of what it quotes. */
function dropRule(own: string[]): void {
  while (own.at(-1) === "") own.pop();
  if (/^\s*([-_=])\1{9,}$/.test(own.at(-1)?.slice(0, maxLineLength) ?? "")) own.pop();
}

function escaped(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
