import { ParseError } from "../errors.ts";

/**
 * What a JSON body may hold. Nobody's text or mail comes near it, and a batch of events stays far below; but of bytes
 * alone, 24 MB of `[1,1,1,…]` would become gigabytes of values and of complaints about them.
 */
export const jsonLimits = { values: 50_000, valuesOfOneList: 5000, depth: 64 };

const [quote, backslash, comma, openList, closeList, openObject, closeObject] = Buffer.from('"\\,[]{}');

/**
 * Throws a ParseError for JSON that holds more than the limits, before any of it is parsed. Takes some 30 ms for 25 MB,
 * and less where they are mostly one long text. What is no JSON is left for the parser to refuse.
 */
export function requireBearableJson(body: Buffer, limits = jsonLimits): void {
  const counts: number[] = [];
  let values = 0;
  const begin = () => {
    if (counts.push(1) > limits.depth) throw new ParseError(`the body is nested more than ${limits.depth} deep`);
  };
  const count = () => {
    const own = (counts.at(-1) ?? 0) + 1;
    counts[Math.max(0, counts.length - 1)] = own;
    if (own > limits.valuesOfOneList) {
      throw new ParseError(`the body holds a list or object of more than ${limits.valuesOfOneList} values`);
    }
    if (++values > limits.values) throw new ParseError(`the body holds more than ${limits.values} values`);
  };
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) at = endOfText(body, at);
    else if (byte === comma) count();
    else if (byte === openList || byte === openObject) begin();
    else if (byte === closeList || byte === closeObject) counts.pop();
  }
}

/** The place of the quote that ends the text which begins here. */
function endOfText(body: Buffer, start: number): number {
  for (let end = body.indexOf('"', start + 1); end !== -1; end = body.indexOf('"', end + 1)) {
    let escapes = 0;
    while (body[end - 1 - escapes] === backslash) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return body.length;
}
