import { createHash, timingSafeEqual } from "node:crypto";

/** Compares in the same time whatever was sent; both sides are hashed, so that their lengths do not matter. */
export function isSame(given: string | Buffer, expected: string | Buffer): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

const digest = (value: string | Buffer) => createHash("sha256").update(value).digest();
