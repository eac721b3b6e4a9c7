import { expect, test } from "vitest";
import { readSaidLimits } from "../../src/access/said-limits.ts";

const own = { per10Seconds: 80, atOnce: 16, perDay: 180_000 };
const day = (most: string | undefined, left: string) =>
  readSaidLimits(
    { ...(most === undefined ? {} : { "x-ratelimit-limit-daily": most }), "x-ratelimit-daily-remaining": left },
    own,
  ).dayUsed;

test.each<[string, string | undefined, string, number | undefined]>([
  ["as HighLevel counts it, what is others' left to them", "200000", "199000", 1000],
  ["wholly, once only what is others' is left", "200000", "20000", 180_000],
  ["wholly, once nothing is left of a smaller limit", "10000", "0", 180_000],
  ["but for what is left of a smaller limit", "10000", "4", 179_996],
  ["but for what is left, where the limit is not told", undefined, "7", 179_993],
  ["not at all, where more is left than we may take", "1000000", "1000000", 0],
  ["unknown, where it is no number", "10000", "many", undefined],
])("the day counts as used %s", (_how, most, left, used) => {
  expect(day(most, left)).toBe(used);
});

test("what is said of one limit counts without the other", () => {
  expect(readSaidLimits({ "x-ratelimit-remaining": "22", "x-ratelimit-max": "100" }, own)).toEqual({
    minUsed: 14,
    dayUsed: undefined,
  });
  expect(readSaidLimits({}, own)).toEqual({ minUsed: undefined, dayUsed: undefined });
});
