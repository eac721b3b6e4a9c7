const toleranceSeconds = 300;

/** Was it signed within five minutes of its arrival? Takes Unix seconds as text, and nothing but digits. */
export function isFresh(unixSeconds: string | undefined, receivedAt: Date): boolean {
  if (!unixSeconds || !/^\d{1,12}$/.test(unixSeconds)) return false;
  return Math.abs(receivedAt.getTime() / 1000 - Number(unixSeconds)) <= toleranceSeconds;
}
