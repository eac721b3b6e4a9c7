/** Keeps what was loaded for some seconds, so that a busy path does not ask the database for it each time. */
export interface Remembered<Value> {
  /** Loads at most once at a time per key. A failure is not kept, nor is `undefined`. */
  get(key: string): Promise<Value | undefined>;
  /** The next `get` loads again. */
  forget(key: string): void;
}

export function remember<Value>(
  load: (key: string) => Promise<Value | undefined>,
  options: { seconds: number; maxKeys?: number },
): Remembered<Value> {
  const { maxKeys = 10_000 } = options;
  const kept = new Map<string, { value: Promise<Value | undefined>; until: number }>();

  /** All are kept for the same time, so that the first of the map is the first to go anyway. */
  function forgetOldest(): void {
    const [oldest] = kept.keys();
    if (kept.size >= maxKeys && oldest !== undefined) kept.delete(oldest);
  }

  return {
    get(key) {
      const known = kept.get(key);
      if (known && known.until > performance.now()) return known.value;
      kept.delete(key);
      forgetOldest();
      const entry = { value: load(key), until: performance.now() + options.seconds * 1000 };
      kept.set(key, entry);
      const drop = () => {
        if (kept.get(key) === entry) kept.delete(key);
      };
      entry.value.then((value) => value === undefined && drop(), drop);
      return entry.value;
    },
    forget: (key) => void kept.delete(key),
  };
}
