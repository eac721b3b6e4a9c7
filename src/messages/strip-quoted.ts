import EmailReplyParser from "email-reply-parser";

/**
 * What a person wrote anew in the plain text of a reply: without the mail that it quotes, be that below, above or between
 * the new lines. Signatures stay, for what looks like one is too often followed by something that matters. Where nothing
 * is quoted, or everything is, and for a forwarded mail, it is the whole text.
 *
 * Takes less than a second for the most hostile text: the library's expressions look back and forth over lines, in up to
 * the third power of their length, so it sees the beginning of a text alone, blank lines folded, and no long lines.
 */
export function stripQuoted(text: string): string {
  const lines = toLines(text);
  const end = indexAfter(lines, maxCharacters);
  const { own, quoting, quotes } = readBeginning(lines.slice(0, end));
  if (quotes === 0) return text;
  const words = [...own, ...lines.slice(end).filter((line) => isOwn[quoting](line))].join("\n").trim();
  return words === "" ? text : words;
}

/** A quote that begins later stays. */
const maxCharacters = 6000;
/** No quote's first line is longer. */
const maxLineLength = 250;

/** How a quote goes on: each line marked, or everything from its first line on. */
type Quoting = "none" | "marked" | "unmarked";
const isOwn: Record<Quoting, (line: string) => boolean> = {
  none: () => true,
  marked: (line) => !line.startsWith(">"),
  unmarked: () => false,
};

function toLines(text: string): string[] {
  // Some clients break a quote's first line within the brackets: On Monday Ann <\nann@example.org> wrote:
  const whole = text.replace(/\r\n?/g, "\n").replace(/<\n(?=[^\s<>@]{1,64}@[^\s<>@]{1,255}>)/g, "<");
  const lines = whole.split("\n").map((line) => line.trimEnd());
  return lines.filter((line, index) => line !== "" || lines[index - 1] !== "" || lines[index - 2] !== "");
}

function indexAfter(lines: string[], characters: number): number {
  let length = 0;
  const index = lines.findIndex((line) => {
    length += Math.min(line.length, maxLineLength) + 1;
    return length > characters;
  });
  return index === -1 ? lines.length : index;
}

/** The parts of the first lines that quote nothing, and how the quote goes on that they end in. */
function readBeginning(lines: string[]): { own: string[]; quoting: Quoting; quotes: number } {
  const hidden: string[] = [];
  const hide = (line: string) => `${line.startsWith(">") ? ">" : ""}\uE000${hidden.push(line) - 1}\uE000`;
  const seen = lines.map((line, index) => {
    if (isRule(line) && isHeader(lines[index + 1])) return "";
    return line.length > maxLineLength || isRule(line) ? hide(line) : line;
  });

  const own: string[] = [];
  let quotes = 0;
  let quoting: Quoting = "none";
  for (const fragment of new EmailReplyParser().read(seen.join("\n")).getFragments()) {
    quoting = fragment.isQuoted() ? quotingOf(fragment.getContent()) : "none";
    if (quoting === "none") own.push(fragment.getContent());
    else quotes += 1;
    if (quoting === "unmarked") break;
  }
  const show = (part: string) => part.replace(/\uE000(\d+)\uE000/g, (mark, index) => hidden[Number(index)] ?? mark);
  return { own: own.map(show), quoting, quotes };
}

/** A line between two parts. Outlook draws one above the quote's first line; the library takes it for a signature's. */
const isRule = (line: string) => /^\s*([-_=+])\1{2,}$/.test(line);
const isHeader = (line: string | undefined) => /^\s*(From|Von|De|Da|Van)\s?:/.test(line ?? "");

function quotingOf(quote: string): Quoting {
  return quote.trimEnd().split("\n").at(-1)?.startsWith(">") ? "marked" : "unmarked";
}
