/**
 * The memory of these buffers that goes over to another thread when it is sent there: of each that is the whole of what it
 * lies in. Small ones, which lie in memory with others, and what was cut out of a larger one are copied instead.
 */
export function handOver(buffers: Uint8Array[]): ArrayBuffer[] {
  const whole = buffers.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
  );
  return [...new Set(whole)];
}
