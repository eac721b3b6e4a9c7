const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * The beginning of JSON, as JSON: what was open where it was cut is closed there. Of a text that was cut so much stays as
 * there is; of a name, a number or a word nothing. Takes a time that grows with the length alone.
 */
export function closeJson(cut: Buffer): Buffer {
  const reading: Reading = { open: [], whole: 0, isName: false, isWord: false };
  for (let at = 0; at < cut.length; at++) {
    if (cut[at] !== quote) {
      readSign(reading, cut[at] as number, at);
      continue;
    }
    const end = endOfText(cut, at + 1);
    if (end === -1 && reading.isName) break;
    if (end === -1) return close(withoutHalfEscape(cut), [quote, ...reading.open.toReversed()]);
    at = end;
    if (!reading.isName) reading.whole = at + 1;
  }
  return close(cut.subarray(0, reading.whole), reading.open.toReversed());
}

interface Reading {
  /** The ends of what is open. */
  open: number[];
  /** Where the last thing ends that is whole. */
  whole: number;
  /** Is the next text the name of something? */
  isName: boolean;
  /** Is it amid a number, or a word such as `true`? */
  isWord: boolean;
}

function readSign(reading: Reading, sign: number, at: number): void {
  if (sign <= 0x20) return;
  const { open } = reading;
  const isBegin = sign === openObject || sign === openList;
  const isEnd = sign === closeObject || sign === closeList;
  if (isBegin) open.push(sign === openObject ? closeObject : closeList);
  if (isEnd) open.pop();
  if (isBegin || isEnd) reading.whole = at + 1;
  else if (sign === comma && reading.isWord) reading.whole = at;
  reading.isName = sign === openObject || (sign === comma && open.at(-1) === closeObject);
  reading.isWord = !isBegin && !isEnd && sign !== comma && sign !== colon;
}

const close = (kept: Buffer, ends: number[]) => Buffer.concat([kept, Buffer.from(ends)]);

/** The place of the quote that ends it; -1 where it does not end. */
function endOfText(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(quote, from);
  while (at !== -1 && isEscaped(bytes, at)) at = bytes.indexOf(quote, at + 1);
  return at;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let before = at;
  while (bytes[before - 1] === backslash) before--;
  return (at - before) % 2 === 1;
}

function withoutHalfEscape(cut: Buffer): Buffer {
  const [half = ""] = /\\(?:u[\da-f]{0,3})?$/i.exec(cut.toString("latin1", Math.max(0, cut.length - 6))) ?? [];
  const at = cut.length - half.length;
  return half === "" || isEscaped(cut, at) ? cut : cut.subarray(0, at);
}
