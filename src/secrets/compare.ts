import { createHash, timingSafeEqual } from "node:crypto";

/** Compares in the same time whatever was sent; both sides are hashed, so that their lengths do not matter. */
export function isSame(given: string | Buffer, expected: string | Buffer): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

/** Is it one of these? In the same time, whichever it is. */
export function isOneOf(given: string, expected: readonly string[]): boolean {
  return expected.map((each) => isSame(given, each)).includes(true);
}

const digest = (value: string | Buffer) => createHash("sha256").update(value).digest();
