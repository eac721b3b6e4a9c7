/**
 * What an S/MIME message signs and holds (https://www.rfc-editor.org/rfc/rfc8551#section-3.5.2): a MIME entity. Nothing of
 * the signature is checked. Undefined for anything else, such as what is encrypted.
 */
export function openSigned(content: Buffer): Buffer | undefined {
  const [type, signed] = childrenOf(content, 0, maxElements).flatMap((outer) =>
    childrenOf(outer.content, 0, maxElements),
  );
  if (!type?.content.equals(signedData) || !signed) return undefined;
  const fields = childrenOf(signed.content, 0, maxElements).flatMap((each) => childrenOf(each.content, 0, maxElements));
  const holder = fields.find(({ tag }) => tag === sequence);
  const [, held] = holder ? childrenOf(holder.content, 0, maxElements) : [];
  const opened = held && octetsOf(held.content, 0);
  return opened && opened.length > 0 ? opened : undefined;
}

/** 1.2.840.113549.1.7.2, https://www.rfc-editor.org/rfc/rfc5652#section-5.1 */
const signedData = Buffer.from("2a864886f70d010702", "hex");
const sequence = 0x30;
const octetString = 0x04;
const maxElements = 10_000;

interface Element {
  tag: number;
  content: Buffer;
}

/** Octet strings may be in pieces: https://www.rfc-editor.org/rfc/rfc8551#section-3.1 allows BER. */
function octetsOf(content: Buffer, depth: number): Buffer | undefined {
  if (depth > 4) return undefined;
  const pieces = childrenOf(content, 0, maxElements).flatMap(({ tag, content: octets }) => {
    if (tag === octetString) return [octets];
    return tag === (octetString | 0x20) ? (octetsOf(octets, depth + 1) ?? []) : [];
  });
  return pieces.length > 0 ? Buffer.concat(pieces) : undefined;
}

/** The elements that stand one behind another in BER, https://www.itu.int/rec/T-REC-X.690; as far as they can be read. */
function childrenOf(bytes: Buffer, start: number, most: number): Element[] {
  const elements: Element[] = [];
  for (let at = start; at < bytes.length && elements.length < most; ) {
    const read = readElement(bytes, at, 0);
    if (!read || read.element.tag === 0) break;
    elements.push(read.element);
    at = read.end;
  }
  return elements;
}

function readElement(bytes: Buffer, at: number, depth: number): { element: Element; end: number } | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f || depth > 20) return undefined;
  if (first === 0x80) return readIndefinite(bytes, at, depth);
  const count = first & 0x80 ? first & 0x7f : 0;
  if (count > 4 || at + 2 + count > bytes.length) return undefined;
  const length = count === 0 ? first : bytes.readUIntBE(at + 2, count);
  const begin = at + 2 + count;
  return { element: { tag, content: bytes.subarray(begin, begin + length) }, end: begin + length };
}

/** One whose end is marked by two zeros. */
function readIndefinite(bytes: Buffer, at: number, depth: number): { element: Element; end: number } | undefined {
  const tag = bytes[at] ?? 0;
  let end = at + 2;
  for (let count = 0; count < maxElements; count++) {
    if (bytes[end] === 0 && bytes[end + 1] === 0) break;
    const inner = readElement(bytes, end, depth + 1);
    if (!inner) return undefined;
    end = inner.end;
  }
  return { element: { tag, content: bytes.subarray(at + 2, end) }, end: end + 2 };
}
