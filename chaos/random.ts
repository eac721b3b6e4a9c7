/** Numbers from 0 up to 1 that follow from a seed and a name: the same choices in every run with it. (mulberry32) */
export function createRandom(seed: number, name: string): () => number {
  let state = [...name].reduce((sum, character) => Math.imul(sum, 31) + character.charCodeAt(0), seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
