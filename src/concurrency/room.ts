/** Room that is shared: work that needs more than is left waits for its turn, in the order in which it came. */
export interface Room {
  run<Result>(size: number, work: () => Promise<Result>): Promise<Result>;
}

/** What needs more than there is takes all of it. */
export function createRoom(max: number): Room {
  let free = max;
  const waiting: { size: number; begin: () => void }[] = [];

  function letIn(): void {
    for (let first = waiting[0]; first && first.size <= free; first = waiting[0]) {
      waiting.shift();
      free -= first.size;
      first.begin();
    }
  }

  return {
    async run(given, work) {
      const size = Math.min(given, max);
      await new Promise<void>((begin) => {
        waiting.push({ size, begin });
        letIn();
      });
      try {
        return await work();
      } finally {
        free += size;
        letIn();
      }
    },
  };
}
