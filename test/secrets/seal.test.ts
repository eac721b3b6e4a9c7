import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createSealer } from "../../src/secrets/seal.ts";

test("opens what was sealed, and seals the same secret differently each time", () => {
  const sealer = createSealer([randomBytes(32)]);
  const sealed = sealer.seal("pit-secret", "token of a");
  expect(sealed).not.toContain("pit-secret");
  expect(sealer.open(sealed, "token of a")).toBe("pit-secret");
  expect(sealer.seal("pit-secret", "token of a")).not.toBe(sealed);
});

test("does not open what was sealed for somebody else", () => {
  const sealer = createSealer([randomBytes(32)]);
  expect(() => sealer.open(sealer.seal("secret", "token of a"), "token of b")).toThrow();
});

test("does not open what was changed", () => {
  const sealer = createSealer([randomBytes(32)]);
  const sealed = sealer.seal("secret", "c");
  for (const at of [10, 20, sealed.length - 10]) {
    const changed = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
    expect(() => sealer.open(changed, "c")).toThrow();
  }
});

test("goes on opening what the old key sealed after a new key was put in front of it", () => {
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
  const sealedBefore = createSealer([oldKey]).seal("secret", "c");
  const rotated = createSealer([newKey, oldKey]);
  expect(rotated.open(sealedBefore, "c")).toBe("secret");
  const sealedAfter = rotated.seal("secret", "c");
  expect(createSealer([newKey]).open(sealedAfter, "c")).toBe("secret");
  expect(() => createSealer([newKey]).open(sealedBefore, "c")).toThrow("ENCRYPTION_KEYS");
});
