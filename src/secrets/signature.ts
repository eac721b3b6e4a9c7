import { createHash, timingSafeEqual } from "node:crypto";

const toleranceSeconds = 300;

/** Compares in the same time whatever was sent; both sides are hashed, so that their lengths do not matter. */
export function isSame(given: string | Buffer, expected: string | Buffer): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

const digest = (value: string | Buffer) => createHash("sha256").update(value).digest();

/** Was it signed within five minutes of its arrival? Takes Unix seconds as text, and nothing but digits. */
export function isFresh(unixSeconds: string | undefined, receivedAt: Date): boolean {
  if (!unixSeconds || !/^\d{1,12}$/.test(unixSeconds)) return false;
  return Math.abs(receivedAt.getTime() / 1000 - Number(unixSeconds)) <= toleranceSeconds;
}
