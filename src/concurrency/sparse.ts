/** Is this the first of its like in a while? */
export type Sparse = (key: string) => boolean;

const maxKeys = 10_000;

export function createSparse(seconds: number): Sparse {
  const quietUntil = new Map<string, number>();
  return (key) => {
    const now = performance.now();
    if ((quietUntil.get(key) ?? 0) > now) return false;
    if (quietUntil.size >= maxKeys) quietUntil.clear();
    quietUntil.set(key, now + seconds * 1000);
    return true;
  };
}
