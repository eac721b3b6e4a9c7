import { expect, test } from "vitest";
import { reasonOf } from "../../src/calls/failure-reason.ts";

test.each([
  ["anybody", [401, 403, 408, 425, 429], ["unauthorized", "rejected", "unavailable", "unavailable", "throttled"]],
  ["anybody", [301, 500, 501, 502, 503, 504], ["rejected", "server_error", "server_error", ...away(3)]],
  ["provider", [401, 403, 404, 408, 425, 429], ["misconfigured", "misconfigured", "rejected", ...away(2), "throttled"]],
  ["highlevel-tokens", [400, 401, 429, 500, 503], ["unauthorized", "unauthorized", "throttled", ...away(2)]],
] as const)("%s: the status decides %j", (answerer, statuses, reasons) => {
  expect(statuses.map((status) => reasonOf(answerer, { status }))).toEqual(reasons);
});

function away(count: number): "unavailable"[] {
  return Array.from({ length: count }, () => "unavailable");
}

test("after a provider's 5xx it may have been sent all the same, but for 503", () => {
  const reasons = [500, 501, 502, 503, 504].map((status) => reasonOf("provider", { status }));
  expect(reasons).toEqual(["outcome_unknown", "outcome_unknown", "outcome_unknown", "unavailable", "outcome_unknown"]);
});

test("HighLevel's words say more than its status, and only with the status that they come with", () => {
  const words = "No conversation provider found";
  expect(reasonOf("highlevel", { status: 401, words })).toBe("misconfigured");
  expect(reasonOf("highlevel", { status: 403, words })).toBe("rejected");
  expect(reasonOf("highlevel", { status: 401, words: "version header is invalid" })).toBe("internal_error");
  expect(reasonOf("highlevel", { status: 400, words: "Incorrect conversationProviderId/type" })).toBe("misconfigured");
  expect(reasonOf("highlevel-tokens", { status: 401, code: "invalid_client" })).toBe("misconfigured");
});

test.each([
  [{ status: 400, code: "invalid_grant" }, "needs_reauthorization"],
  [{ status: 401, words: "The refresh token is invalid or expired" }, "needs_reauthorization"],
  [{ status: 400, words: "Invalid refresh token" }, "needs_reauthorization"],
  [{ status: 400, words: "Invalid client_id" }, "misconfigured"],
  [{ status: 400, words: "Location is not active" }, "unauthorized"],
  [{ status: 403, words: "The company is suspended" }, "unauthorized"],
] as const)("of a token's refusals only those that name the grant or the client are final: %j", (facts, reason) => {
  expect(reasonOf("highlevel-tokens", facts)).toBe(reason);
});

test("without an answer it counts whether the request had left", () => {
  expect(reasonOf("highlevel", { hasLeft: true })).toBe("outcome_unknown");
  expect(reasonOf("highlevel", { hasLeft: false })).toBe("unreachable");
});
