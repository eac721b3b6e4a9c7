import { describeError, type Log } from "../log.ts";

export interface Loop {
  /** Ends the wait for the next poll, or has `run` called once more if it is under way. */
  wake(): void;
  /** The same then, a tenth of a second later at most; where the next poll comes before, that does. Many such times are few wakings. */
  wakeIn(seconds: number): void;
  /** Since `run` last ended without trouble. */
  secondsSinceTurn(): number;
  /** Resolves when what is under way has ended. */
  stop(): Promise<void>;
  isStopping(): boolean;
}

/** The longest that a turn may take: some statements, each within its timeout. */
export const stuckSeconds = 60;
const lookMs = 1000;
const wakeEveryMs = 100;

/**
 * Calls `run` again at once while it gives `true`, else when woken or at the next poll. Trouble is logged, and tried again; so is, once,
 * a turn that does not end. `isWoken`: somebody has told of something. Of what another turn finds nobody has, and there may be more.
 */
export function startLoop(options: {
  log: Log;
  name: string;
  pollSeconds: number;
  run: (isWoken: boolean) => Promise<boolean>;
}): Loop {
  let isStopping = false;
  let isWoken = false;
  let endSleep = () => {};
  let turnedAt = performance.now();
  let begunAt: number | undefined;

  async function sleep(): Promise<void> {
    if (isWoken || isStopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, options.pollSeconds * 1000);
      endSleep = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function loop(): Promise<void> {
    while (!isStopping) {
      const wasWoken = isWoken;
      isWoken = false;
      let hasMore = false;
      begunAt = performance.now();
      try {
        hasMore = await options.run(wasWoken);
        turnedAt = performance.now();
      } catch (error) {
        options.log("error", "worker.failed", { loop: options.name, ...describeError(error) });
      }
      begunAt = undefined;
      if (!hasMore) await sleep();
    }
  }

  function look(): void {
    const seconds = begunAt === undefined ? 0 : Math.round((performance.now() - begunAt) / 1000);
    if (seconds <= stuckSeconds) return;
    options.log("error", "worker.stuck", { loop: options.name, seconds });
    begunAt = undefined;
  }

  const done = loop();
  const watch = setInterval(look, lookMs).unref();
  function wake(): void {
    isWoken = true;
    endSleep();
  }

  const turns = new Set<number>();
  return {
    wake,
    wakeIn(seconds) {
      const turn = Math.ceil((performance.now() + seconds * 1000) / wakeEveryMs);
      if (seconds >= options.pollSeconds || turns.has(turn)) return;
      turns.add(turn);
      setTimeout(() => turns.delete(turn) && wake(), turn * wakeEveryMs - performance.now()).unref();
    },
    secondsSinceTurn: () => (performance.now() - turnedAt) / 1000,
    async stop() {
      isStopping = true;
      endSleep();
      await done;
      clearInterval(watch);
    },
    isStopping: () => isStopping,
  };
}
