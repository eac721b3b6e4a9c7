import { expect, test } from "vitest";
import { judgeCalls } from "../../src/checks/judge-calls.ts";

test.each([
  [0, "ok", "180000 of the day's 180000"],
  [162_000, "ok", "18000 of"],
  [162_001, "warning", "17999 of"],
  [180_000, "warning", "0 of"],
  [200_000, "warning", "0 of"],
])("of 180,000 calls a day %i are used: %s", (used, state, detail) => {
  const found = judgeCalls(used, 180_000);
  expect(found).toMatchObject({ check: "calls", state, detail: expect.stringContaining(detail) });
  expect(found.advice === undefined).toBe(state === "ok");
});
