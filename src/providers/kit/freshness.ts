const toleranceSeconds = 300;

/**
 * Was it signed at most so long before its arrival, five minutes where nothing else is said, and at most five minutes after?
 * Takes Unix seconds as text, and nothing but digits.
 */
export function isFresh(unixSeconds: string | undefined, receivedAt: Date, maxAgeSeconds = toleranceSeconds): boolean {
  if (!unixSeconds || !/^\d{1,12}$/.test(unixSeconds)) return false;
  const ageSeconds = receivedAt.getTime() / 1000 - Number(unixSeconds);
  return ageSeconds <= maxAgeSeconds && ageSeconds >= -toleranceSeconds;
}
