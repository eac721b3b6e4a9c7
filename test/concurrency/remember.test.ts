import { expect, test } from "vitest";
import { remember } from "../../src/concurrency/remember.ts";

test("a full memory makes room by what is oldest, and has nothing else loaded anew", async () => {
  const loads = new Map<string, number>();
  const { get } = remember(
    async (key) => {
      loads.set(key, (loads.get(key) ?? 0) + 1);
      return key;
    },
    { seconds: 60 },
  );
  for (let index = 0; index <= 10_000; index++) await get(String(index));
  for (let index = 1; index <= 10_000; index++) await get(String(index));
  expect([...loads.values()].filter((count) => count > 1)).toEqual([]);
  await get("0");
  expect(loads.get("0")).toBe(2);
});
