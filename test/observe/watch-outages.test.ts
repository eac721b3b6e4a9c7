import { expect, test } from "vitest";
import { watchOutages } from "../../src/observe/watch-outages.ts";

function watch() {
  const told: unknown[] = [];
  const log = watchOutages((level, event, fields) => {
    if (event !== "delivery.attempted") told.push([level, event, fields]);
  });
  const attempt = (outcome: string, whom: object = highlevel, status?: number) =>
    log("info", "delivery.attempted", { ...whom, outcome, status });
  return { told, attempt };
}
const highlevel = { provider: "highlevel" };
const accountOf = (accountId: string) => ({ provider: "twilio", accountId });

test("says once that HighLevel is away, however long, and once that it is back", () => {
  const { told, attempt } = watch();
  for (let i = 0; i < 20; i++) attempt("unavailable", highlevel, 503);
  expect(told).toEqual([["warn", "provider.unreachable", { ...highlevel, reason: "unavailable", status: 503 }]]);
  for (let i = 0; i < 20; i++) attempt("delivered");
  expect(told.slice(1)).toEqual([["warn", "provider.reachable", { ...highlevel, forSeconds: 0 }]]);
  for (let i = 0; i < 20; i++) attempt("unreachable");
  expect(told).toHaveLength(3);
});

test("tells a provider by account: that of one takes no other's words", () => {
  const { told, attempt } = watch();
  for (let i = 0; i < 5; i++) {
    attempt("outcome_unknown", accountOf("a"));
    attempt("delivered", accountOf("b"));
    attempt("delivered");
  }
  expect(told).toEqual([["warn", "provider.unreachable", { ...accountOf("a"), reason: "outcome_unknown" }]]);
});

test.each([
  ["a hiccup or two", ["unreachable", "unreachable", "delivered", "server_error", "unreachable"]],
  ["what our own limits hold back", Array(9).fill("own_limit")],
])("says nothing of %s", (_what, outcomes) => {
  const { told, attempt } = watch();
  for (const outcome of outcomes) attempt(outcome);
  expect(told).toEqual([]);
});

test("takes a refusal for an answer, and what failed in the bridge itself for nobody's trouble", () => {
  const { told, attempt } = watch();
  for (let i = 0; i < 3; i++) attempt("server_error", highlevel, 500);
  for (let i = 0; i < 3; i++) attempt("unavailable", {});
  attempt("rejected", highlevel, 422);
  expect(told).toMatchObject([
    ["warn", "provider.unreachable", {}],
    ["warn", "provider.reachable", {}],
  ]);
});
