import { expect, test } from "vitest";
import { describeOptOut } from "../../../src/registry/opt-outs/describe-opt-out.ts";
import type { OptOut } from "../../../src/store/schema.ts";

test("however much a sender tells of it, an agent reads the first 500 characters", () => {
  const optedOutAt = new Date("2026-11-28T09:00:00Z");
  const optOut = { channel: "sms", cause: "provider", detail: "x".repeat(20_000), optedOutAt } as OptOut;
  expect(describeOptOut(optOut)).toBe(
    `the provider says that the person wants no more (${"x".repeat(500)}) on 2026-11-28`,
  );
});
