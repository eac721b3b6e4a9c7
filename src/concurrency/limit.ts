/** Lets a few run at once; the others wait for their turn, in the order in which they came. */
export interface Limit {
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Whoever comes now would wait. */
  isFull(): boolean;
}

export function createLimit(max: number): Limit {
  let free = max;
  const waiting: (() => void)[] = [];

  return {
    async run(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
    isFull: () => free === 0,
  };
}
