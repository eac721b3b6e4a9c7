/**
 * The memory of these buffers that goes over to another thread when it is sent there: of each that is the whole of what it
 * lies in. Small ones, which lie in memory with others, and what was cut out of a larger one are copied instead, with all that they lie in.
 */
export function handOver(buffers: Uint8Array[]): ArrayBuffer[] {
  const whole = buffers.flatMap((each) => (isWhole(each) ? [each.buffer] : []));
  return [...new Set(whole)];
}

/** The same bytes in memory of their own: what was cut out of a larger buffer is copied, so that the larger one stays where it is. */
export const ofItsOwn = (bytes: Uint8Array): Uint8Array => (isWhole(bytes) ? bytes : new Uint8Array(bytes));

const isWhole = (bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === bytes.byteLength;
