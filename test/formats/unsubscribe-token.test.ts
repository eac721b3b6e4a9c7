import { expect, test } from "vitest";
import { unsubscribedMessageId, writeUnsubscribeToken } from "../../src/formats/email/tokens/unsubscribe-token.ts";

const secret = Buffer.alloc(32, 1);

test("a token of any email is short, fits a URL as it is, and tells which email it is for", () => {
  for (const messageId of [1, 46, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    const token = writeUnsubscribeToken(secret, messageId);
    expect(encodeURIComponent(token)).toBe(token);
    expect(token.length).toBeLessThanOrEqual(34);
    expect(unsubscribedMessageId(secret, token)).toBe(messageId);
  }
});

test("a token holds for its email alone, and for the secret that it was made by", () => {
  const token = writeUnsubscribeToken(secret, 46);
  const [, proof = ""] = token.split(".");
  for (const other of [Buffer.alloc(32, 2), Buffer.from("5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11"), Buffer.alloc(0)])
    expect(unsubscribedMessageId(other, token)).toBeUndefined();
  expect(unsubscribedMessageId(secret, `1b.${proof}`)).toBeUndefined();
  for (let at = 0; at < proof.length; at++) {
    const changed = proof.slice(0, at) + (proof[at] === "A" ? "B" : "A") + proof.slice(at + 1);
    expect(unsubscribedMessageId(secret, `1a.${changed}`)).toBeUndefined();
  }
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
  expect(unsubscribedMessageId(secret, token)).toBeUndefined();
});
