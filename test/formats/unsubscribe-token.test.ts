import { expect, test } from "vitest";
import {
  isUnsubscribeTokenOf,
  unsubscribedMessageId,
  writeUnsubscribeToken,
} from "../../src/formats/email/tokens/unsubscribe-token.ts";

const secret = Buffer.alloc(32, 1);
const receivedAt = new Date("2026-11-21T10:00:00.123Z");
const email = { id: 46, receivedAt };

test("a token of any email is short, fits a URL as it is, and tells which email it is for", () => {
  for (const id of [1, 46, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    const token = writeUnsubscribeToken(secret, { id, receivedAt });
    expect(encodeURIComponent(token)).toBe(token);
    expect(token.length).toBeLessThanOrEqual(34);
    expect(unsubscribedMessageId(token)).toBe(id);
    expect(isUnsubscribeTokenOf(secret, token, { id, receivedAt })).toBe(true);
  }
});

test("a token holds for its email alone, and for the secret that it was made by", () => {
  const token = writeUnsubscribeToken(secret, email);
  const [, proof = ""] = token.split(".");
  for (const other of [Buffer.alloc(32, 2), Buffer.from("5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11"), Buffer.alloc(0)])
    expect(isUnsubscribeTokenOf(other, token, email)).toBe(false);
  expect(isUnsubscribeTokenOf(secret, token, { ...email, id: 47 })).toBe(false);
  expect(isUnsubscribeTokenOf(secret, `1b.${proof}`, { ...email, id: 47 })).toBe(false);
  for (let at = 0; at < proof.length; at++) {
    const changed = proof.slice(0, at) + (proof[at] === "A" ? "B" : "A") + proof.slice(at + 1);
    expect(isUnsubscribeTokenOf(secret, `1a.${changed}`, email)).toBe(false);
  }
});

test("a token does not hold for another email that got the same number, in a database that was restored", () => {
  const later = { ...email, receivedAt: new Date("2026-11-22T10:00:00.000Z") };
  expect(isUnsubscribeTokenOf(secret, writeUnsubscribeToken(secret, email), later)).toBe(false);
});

test.each([
  "",
  ".",
  "1a",
  "1a.",
  `1a.${"x".repeat(21)}`,
  `1a.${"x".repeat(23)}`,
  `${"z".repeat(12)}.${"x".repeat(22)}`,
])("what is no token is for no email: %j", (token) => {
  expect(unsubscribedMessageId(token)).toBeUndefined();
  expect(isUnsubscribeTokenOf(secret, token, email)).toBe(false);
});
