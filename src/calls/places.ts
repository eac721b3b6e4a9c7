import { targetLimits } from "./limits.ts";

/** How many calls may be under way at once to one target. */
export interface Places {
  /** Takes a place; `false` when none has become free within a second. */
  take(): Promise<boolean>;
  /** Gives it back. A quick answer allows one call more at once; a slow one, or none, halves what was allowed. */
  giveBack(how: { wasQuick: boolean }): void;
  isIdle(): boolean;
}

/**
 * The first number is small, for all that is known is that the target may be slow: a slow one must not take all places of
 * the others. One that answers quickly soon has as many as it can use, but for some that are always left.
 */
export function createPlaces({ first, max }: { first: number; max: number }): Places {
  let allowed = first;
  let taken = 0;
  const waiting: ((hasPlace: boolean) => void)[] = [];

  function letIn(): void {
    while (taken < allowed && waiting.length > 0) {
      taken++;
      waiting.shift()?.(true);
    }
  }

  return {
    take() {
      if (taken < allowed) {
        taken++;
        return Promise.resolve(true);
      }
      return new Promise((resolve) => {
        const enter = (hasPlace: boolean) => {
          clearTimeout(timer);
          resolve(hasPlace);
        };
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(enter), 1);
          resolve(false);
        }, targetLimits.maxWaitMs);
        waiting.push(enter);
      });
    },
    giveBack({ wasQuick }) {
      taken--;
      allowed = wasQuick ? Math.min(max, allowed + 1) : Math.max(first, Math.floor(allowed / 2));
      letIn();
    },
    isIdle: () => taken === 0 && waiting.length === 0,
  };
}
