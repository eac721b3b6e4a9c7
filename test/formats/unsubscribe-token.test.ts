import { expect, test } from "vitest";
import {
  isUnsubscribeToken,
  unsubscribedMessageId,
  writeUnsubscribeToken,
} from "../../src/formats/email/tokens/unsubscribe-token.ts";

const secret = Buffer.alloc(32, 1);
const mappingId = "5f2c1a52-0d6c-4d5e-9a5e-3f1c8f1f8a11";
const otherId = "6f9619ff-8b86-4d11-b42d-00c04fc964ff";

test("a token of any email is short, fits a URL as it is, and tells which email it is for", () => {
  for (const messageId of [1, 46, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    const token = writeUnsubscribeToken(secret, { mappingId, messageId });
    expect(encodeURIComponent(token)).toBe(token);
    expect(token.length).toBeLessThanOrEqual(34);
    expect(unsubscribedMessageId(token)).toBe(messageId);
    expect(isUnsubscribeToken(secret, token, mappingId)).toBe(true);
  }
});

test("a token holds for its email and its mapping alone, and for the secret that it was made by", () => {
  const token = writeUnsubscribeToken(secret, { mappingId, messageId: 46 });
  const [, proof = ""] = token.split(".");
  expect(isUnsubscribeToken(secret, token, otherId)).toBe(false);
  for (const other of [Buffer.alloc(32, 2), Buffer.from(mappingId), Buffer.alloc(0)])
    expect(isUnsubscribeToken(other, token, mappingId)).toBe(false);
  expect(isUnsubscribeToken(secret, `1b.${proof}`, mappingId)).toBe(false);
  for (let at = 0; at < proof.length; at++) {
    const changed = proof.slice(0, at) + (proof[at] === "A" ? "B" : "A") + proof.slice(at + 1);
    expect(isUnsubscribeToken(secret, `1a.${changed}`, mappingId)).toBe(false);
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
  expect(unsubscribedMessageId(token)).toBeUndefined();
  expect(isUnsubscribeToken(secret, token, mappingId)).toBe(false);
});
