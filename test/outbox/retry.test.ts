import { describe, expect, test } from "vitest";
import { type FailureReason, failureReasons } from "../../src/errors.ts";
import { decideRetry, isOutcomeUnknown } from "../../src/outbox/retry.ts";

const options = { retryHours: 36, sendRetryHours: 4, firstDelaySeconds: 2, random: () => 1 };
const failed = (reason: FailureReason, more: Partial<Parameters<typeof decideRetry>[0]> = {}) => ({
  target: "highlevel" as const,
  reason,
  retryAfterSeconds: undefined,
  attempts: 1,
  triedForSeconds: 0,
  ...more,
});

describe("decideRetry", () => {
  test("knows what follows from every reason of the closed list", () => {
    for (const reason of failureReasons) {
      expect(["retry", "pause", "dead"]).toContain(decideRetry(failed(reason), options).follows);
    }
  });

  test("doubles the ceiling of the delay with each attempt, up to an hour", () => {
    const ceilings = [1, 2, 3, 11, 12, 13, 40].map((attempts) =>
      decideRetry(failed("unreachable", { attempts }), options),
    );
    expect(ceilings.map((decision) => "inSeconds" in decision && decision.inSeconds)).toEqual([
      2, 4, 8, 2048, 3600, 3600, 3600,
    ]);
  });

  test("spreads retries over the whole delay, so that conversations do not come back all at once", () => {
    const atZero = decideRetry(failed("unreachable", { attempts: 10 }), { ...options, random: () => 0 });
    expect(atZero).toEqual({ follows: "retry", inSeconds: 0 });
  });

  test("never comes back before Retry-After", () => {
    const decision = decideRetry(failed("unavailable", { retryAfterSeconds: 900 }), { ...options, random: () => 0 });
    expect(decision).toEqual({ follows: "retry", inSeconds: 900 });
  });

  test("gives HighLevel time to show a message that may have been accepted", () => {
    const decision = decideRetry(failed("outcome_unknown"), { ...options, random: () => 0 });
    expect(decision).toEqual({ follows: "retry", inSeconds: 4 });
  });

  test("keeps trying for a day and a half, and then gives up", () => {
    const almost = failed("unreachable", { attempts: 60, triedForSeconds: 36 * 3600 - 1 });
    expect(decideRetry(almost, options).follows).toBe("retry");
    expect(decideRetry({ ...almost, triedForSeconds: 36 * 3600 }, options)).toEqual({ follows: "dead" });
  });

  test("gives up sooner on what is probably for ever", () => {
    expect(decideRetry(failed("server_error", { attempts: 11 }), options).follows).toBe("retry");
    expect(decideRetry(failed("server_error", { attempts: 12 }), options)).toEqual({ follows: "dead" });
  });

  test("stops the location, not the message, when the token does not work or the limit is reached", () => {
    const late = { attempts: 99, triedForSeconds: 1e9 };
    expect(decideRetry(failed("unauthorized", late), options)).toEqual({ follows: "pause", seconds: undefined });
    expect(decideRetry(failed("throttled", late), options)).toEqual({ follows: "pause", seconds: 11 });
    expect(decideRetry(failed("own_limit", late), options)).toEqual({ follows: "pause", seconds: 11 });
    expect(decideRetry(failed("throttled", { retryAfterSeconds: 30 }), options)).toEqual({
      follows: "pause",
      seconds: 31,
    });
  });

  test("does not repeat a refusal", () => {
    for (const reason of ["rejected", "misconfigured", "unknown_sender", "failed_dmarc", "unconfirmed"] as const) {
      expect(decideRetry(failed(reason), options)).toEqual({ follows: "dead" });
    }
  });
});

describe("towards a provider", () => {
  const towards = (reason: FailureReason, more: Partial<Parameters<typeof decideRetry>[0]> = {}) =>
    decideRetry({ ...failed(reason, more), target: "provider" }, options);

  test("trouble holds up the conversation alone: nothing pauses the location", () => {
    for (const reason of failureReasons) expect(["retry", "dead"]).toContain(towards(reason).follows);
    expect(towards("throttled", { retryAfterSeconds: 30 })).toEqual({ follows: "retry", inSeconds: 30 });
  });

  test("gives receipts time to tell whether a message went out", () => {
    expect(towards("outcome_unknown")).toEqual({ follows: "retry", inSeconds: 16 });
    expect(isOutcomeUnknown("provider", "outcome_unknown")).toBe(true);
  });

  test("gives up sooner: a late answer is worse than one that is known to have failed", () => {
    const almost = { attempts: 9, triedForSeconds: 4 * 3600 - 1 };
    expect(towards("unreachable", almost).follows).toBe("retry");
    expect(towards("unreachable", { ...almost, triedForSeconds: 4 * 3600 })).toEqual({ follows: "dead" });
  });

  test("a refusal by 503 or 429 sent nothing", () => {
    expect(isOutcomeUnknown("provider", "unavailable")).toBe(false);
    expect(isOutcomeUnknown("provider", "throttled")).toBe(false);
  });
});

describe("towards an endpoint of events", () => {
  const ofEndpoint = (reason: FailureReason, more = {}) =>
    decideRetry(failed(reason, { target: "endpoint", ...more }), options);

  test("whatever fails is tried again: an event that is heard twice is known by its id", () => {
    for (const reason of failureReasons.filter(
      (each) => !["unconfirmed", "unknown_sender", "failed_dmarc", "opted_out"].includes(each),
    )) {
      expect([reason, ofEndpoint(reason).follows]).toEqual([reason, "retry"]);
      expect(isOutcomeUnknown("endpoint", reason)).toBe(false);
    }
  });

  test("a refusal of one event does not keep back the others for long, and a wrong setting is waited out", () => {
    expect(ofEndpoint("rejected", { attempts: 4 })).toEqual({ follows: "dead" });
    expect(ofEndpoint("misconfigured", { attempts: 40, triedForSeconds: 35 * 3600 }).follows).toBe("retry");
    expect(ofEndpoint("misconfigured", { attempts: 40, triedForSeconds: 36 * 3600 })).toEqual({ follows: "dead" });
  });
});

test("holds a call that got no answer for possibly carried out, and one that never left not", () => {
  expect(isOutcomeUnknown("highlevel", "outcome_unknown")).toBe(true);
  expect(isOutcomeUnknown("highlevel", "server_error")).toBe(true);
  expect(isOutcomeUnknown("highlevel", "unreachable")).toBe(false);
  expect(isOutcomeUnknown("highlevel", "rejected")).toBe(false);
  expect(isOutcomeUnknown("highlevel", "throttled")).toBe(false);
});
