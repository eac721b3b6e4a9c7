import { setImmediate } from "node:timers/promises";
import PostalMime, { type Email } from "postal-mime";
import { ParseError } from "../errors.ts";

/**
 * Parses a whole email (RFC 5322, MIME) a piece at a time, so that everything else goes on meanwhile. Throws a ParseError
 * for one that a person could not have sent: the parser takes some microseconds for each line and each part, and 25 MB of
 * empty ones would take minutes.
 */
export async function readMail(raw: Buffer): Promise<Email> {
  requireBearable(raw);
  const parser = new PostalMime({ maxNestingDepth: 50, maxRfc822NestingDepth: 2, maxHeadersSize: 500_000 });
  takeBreaths(parser);
  return parser.parse(raw);
}

/** The lines of an encoded file are longer. */
const shortLine = 60;
const mostShortLines = 200_000;
const mostParts = 2_000;
const newline = 0x0a;
const dash = 0x2d;

function requireBearable(raw: Buffer): void {
  let shortLines = 0;
  let parts = 0;
  for (let start = 0; start < raw.length; ) {
    const found = raw.indexOf(newline, start);
    const end = found === -1 ? raw.length : found;
    if (end - start <= shortLine) shortLines++;
    if (raw[start] === dash && raw[start + 1] === dash) parts++;
    if (shortLines > mostShortLines || parts > mostParts)
      throw new ParseError(`the email has more than ${mostShortLines} short lines, or ${mostParts} parts`);
    start = end + 1;
  }
}

/** What of the parser's inside we reach for. Were it otherwise in another version, mail would be parsed at one go as before. */
interface Inside {
  processLine?: (line: Uint8Array, isFinal: boolean) => Promise<void>;
  currentNode?: { contentDecoder?: Decoder | null };
}
interface Decoder {
  chunks?: (Uint8Array | string)[];
}

const linesPerBreath = 500;

/**
 * Lets others have their turn after some lines, and joins the lines of a plain part, which the parser keeps one by one and
 * then puts together with great effort.
 */
function takeBreaths(parser: PostalMime): void {
  const inside = parser as unknown as Inside;
  const processLine = inside.processLine?.bind(parser);
  if (!processLine) return;
  const joined = new WeakMap<Decoder, number>();
  let lines = 0;
  inside.processLine = async (line, isFinal) => {
    await processLine(line, isFinal);
    if (++lines % linesPerBreath !== 0) return;
    const decoder = inside.currentNode?.contentDecoder;
    if (decoder?.chunks && decoder.chunks.length > linesPerBreath) joinSince(decoder.chunks, joined.get(decoder) ?? 0);
    if (decoder) joined.set(decoder, decoder.chunks?.length ?? 0);
    await setImmediate();
  };
}

/** Replaces the chunks from a place on by one that holds them all. */
function joinSince(chunks: (Uint8Array | string)[], place: number): void {
  const loose = chunks.slice(place);
  if (!loose.every((chunk) => typeof chunk === "string" || chunk instanceof Uint8Array)) return;
  chunks.splice(
    place,
    loose.length,
    Buffer.concat(loose.map((chunk) => (typeof chunk === "string" ? Buffer.from(chunk) : chunk))),
  );
}
