/** What an answer of HighLevel's says of its limits. */
export interface SaidLimits {
  /** The least that counts as used of what may go out at once; undefined where it is not said. */
  minUsed: number | undefined;
  /** How much of the day counts as used; undefined where it is not said. */
  dayUsed: number | undefined;
}

/**
 * HighLevel counts what others call with the same app, too. What it leaves us in its interval and its day, after what is to
 * be left to those others, is the most that we may take now. Its limits may be smaller than ours, as those of private
 * integration tokens are: then nothing is left to others, and what remains is ours.
 */
export function readSaidLimits(
  headers: Record<string, string>,
  own: { per10Seconds: number; atOnce: number; perDay: number },
): SaidLimits {
  const remaining = leftToUs(headers["x-ratelimit-remaining"], headers["x-ratelimit-max"], own.per10Seconds);
  const remainingToday = leftToUs(
    headers["x-ratelimit-daily-remaining"],
    headers["x-ratelimit-limit-daily"],
    own.perDay,
  );
  return {
    minUsed: remaining === undefined ? undefined : Math.max(0, own.atOnce - remaining),
    dayUsed: remainingToday === undefined ? undefined : own.perDay - Math.min(own.perDay, remainingToday),
  };
}

function leftToUs(remaining: string | undefined, most: string | undefined, own: number): number | undefined {
  const left = countIn(remaining);
  if (left === undefined) return undefined;
  const forOthers = Math.max(0, (countIn(most) ?? own) - own);
  return Math.max(0, left - forOthers);
}

const countIn = (text: string | undefined) => (text && /^\d{1,9}$/.test(text) ? Number(text) : undefined);
