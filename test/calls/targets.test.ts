import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { targetLimits } from "../../src/calls/limits.ts";
import { createTargets } from "../../src/calls/targets.ts";
import { Failure, type FailureReason } from "../../src/errors.ts";

interface Called {
  url: string;
}
interface Answered {
  body: unknown;
}

const lines: unknown[][] = [];
let calls: string[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime("2026-03-01T12:00:00Z");
  lines.length = 0;
  calls = [];
});
afterEach(() => vi.useRealTimers());

/** By the clock of the test. */
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const slow = "https://slow.example/x";
const other = "https://other.example/x";
const refusedBy = (reason: FailureReason, details = {}) => new Failure(reason, "no", details);

function targets(concurrency = 32, answer: (url: string) => Promise<Answered> = async () => ({ body: {} })) {
  const guard = createTargets({ concurrency, timeoutSeconds: 30, log: (...line) => lines.push(line) });
  return guard<Called, Answered>((request) => {
    calls.push(request.url);
    return answer(request.url);
  });
}
const outcome = (call: Promise<unknown>): Promise<Failure | "answered"> =>
  call.then(
    () => "answered" as const,
    (error: Failure) => error,
  );

describe("a slow target", () => {
  const hanging = (url: string) => (url === slow ? new Promise<Answered>(() => {}) : Promise.resolve({ body: {} }));

  test.each([
    [1, 1],
    [2, 1],
    [4, 2],
    [8, 2],
    [32, 8],
    [1000, 250],
  ])("of %i places gets %i, and nothing is sent for who waits in vain", async (concurrency, places) => {
    const call = targets(concurrency, hanging);
    const outcomes = Array.from({ length: concurrency + 5 }, () => outcome(call({ url: slow })));
    await vi.advanceTimersByTimeAsync(targetLimits.maxWaitMs);
    expect(calls).toHaveLength(places);
    expect(await outcomes.at(-1)).toMatchObject({ reason: "own_limit", message: /too many calls under way/ });
  });

  test("takes nothing from another one", async () => {
    const call = targets(32, hanging);
    for (let index = 0; index < 200; index++) outcome(call({ url: slow }));
    expect(await outcome(call({ url: other }))).toBe("answered");
    expect(await outcome(call({ url: "https://slow.example:8443/x" }))).toBe("answered");
  });

  test("gives its places to who waits as they become free, in the order of coming", async () => {
    const call = targets(8, async () => {
      await sleep(500);
      return { body: {} };
    });
    const ended: number[] = [];
    for (let index = 0; index < 5; index++) call({ url: slow }).then(() => ended.push(index));
    await vi.advanceTimersByTimeAsync(1600);
    expect(ended).toEqual([0, 1, 2, 3, 4]);
  });

  test("holds a place until the stream that it answered with has come", async () => {
    const bodies: Readable[] = [];
    const call = targets(4, async () => {
      const body = new Readable({ read() {} });
      bodies.push(body);
      return { body };
    });
    await call({ url: slow });
    await call({ url: slow });
    const third = outcome(call({ url: slow }));
    await vi.advanceTimersByTimeAsync(100);
    expect(calls).toHaveLength(2);
    bodies[0]?.destroy();
    await vi.advanceTimersByTimeAsync(100);
    expect(await third).toBe("answered");
  });
});

test("a quick target soon gets most of the places, and a slow answer takes half of them back", async () => {
  let seconds = 0.1;
  let underWay = 0;
  const call = targets(32, async () => {
    underWay++;
    await sleep(seconds * 1000);
    underWay--;
    return { body: {} };
  });
  const flood = () => Array.from({ length: 60 }, () => outcome(call({ url: slow })));
  flood();
  await vi.advanceTimersByTimeAsync(1000);
  seconds = 10;
  flood();
  await vi.advanceTimersByTimeAsync(100);
  expect(underWay).toBe(24);
  await vi.advanceTimersByTimeAsync(11_000);
  flood();
  await vi.advanceTimersByTimeAsync(100);
  expect(underWay).toBe(8);
});

describe("a target that does not answer", () => {
  let answer: () => Promise<Answered>;
  const silent = async () => {
    throw refusedBy("unreachable");
  };
  const well = async () => ({ body: {} });
  const open = async (call: (request: Called) => Promise<Answered>) => {
    answer = silent;
    for (let index = 0; index < targetLimits.maxUnanswered; index++) await outcome(call({ url: slow }));
    calls = [];
  };

  test("is not called for a while after five calls, and whoever calls is told until when", async () => {
    const call = targets(32, () => answer());
    await open(call);
    expect(await outcome(call({ url: slow }))).toMatchObject({
      reason: "unreachable",
      message: "slow.example:443 has not answered 5 times: not called until 12:00:05 UTC",
      retryAfterSeconds: 5,
    });
    expect(calls).toEqual([]);
    expect(lines).toEqual([["info", "host.resting", { host: "slow.example:443", reason: "unreachable", seconds: 5 }]]);
    expect(await outcome(targets()({ url: other }))).toBe("answered");
  });

  test("is tried by one call after that, and by all once it has answered", async () => {
    const call = targets(32, () => answer());
    await open(call);
    await vi.advanceTimersByTimeAsync(5000);
    answer = async () => {
      await sleep(100);
      return { body: {} };
    };
    const three = [1, 2, 3].map(() => outcome(call({ url: slow })));
    await vi.advanceTimersByTimeAsync(100);
    expect((await Promise.all(three)).filter((each) => each === "answered")).toHaveLength(1);
    expect(calls).toHaveLength(1);
    expect(lines[1]).toEqual(["info", "host.answering", { host: "slow.example:443", seconds: 5 }]);
    answer = well;
    expect(await outcome(call({ url: slow }))).toBe("answered");
  });

  test("is left alone longer each time, up to a minute, with one line for all of it", async () => {
    const call = targets(32, () => answer());
    await open(call);
    for (const seconds of [5, 10, 20, 40, 60, 60]) {
      await vi.advanceTimersByTimeAsync(seconds * 1000 - 1);
      await outcome(call({ url: slow }));
      expect(calls).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      await outcome(call({ url: slow }));
      expect(calls).toHaveLength(1);
      calls = [];
    }
    expect(lines).toHaveLength(1);
  });

  test.each<[string, () => Failure, number]>([
    ["refusals", () => refusedBy("rejected", { status: 404 }), 0],
    ["429", () => refusedBy("throttled", { status: 429 }), 0],
    ["a file that is not to be had", () => refusedBy("unreachable", { status: 503 }), 0],
    ["5xx", () => refusedBy("unavailable", { status: 503 }), 0],
    ["answers that are too long", () => refusedBy("invalid_answer"), 0],
    ["private addresses", () => refusedBy("misconfigured"), 0],
    ["callers that gave up early", () => refusedBy("outcome_unknown", { cause: canceled }), 0],
    ["lost answers", () => refusedBy("outcome_unknown"), 1],
  ])("is not what %s show", async (_what, failure, warnings) => {
    const call = targets(32, async () => {
      throw failure();
    });
    for (let index = 0; index < 10; index++) await outcome(call({ url: slow }));
    expect(lines).toHaveLength(warnings);
  });
  const canceled = Object.assign(new Error("canceled"), { code: "ERR_CANCELED" });

  test("is one that lets all of a call's time pass", async () => {
    const call = targets(32, async () => {
      await sleep(30_000);
      throw refusedBy("outcome_unknown", { cause: canceled });
    });
    const outcomes = [1, 2, 3, 4, 5].map(() => outcome(call({ url: slow })));
    await vi.advanceTimersByTimeAsync(30_000);
    // What became of these calls is as unknown as before.
    expect((await Promise.all(outcomes)).map((each) => each !== "answered" && each.reason)).toEqual(
      Array(5).fill("outcome_unknown"),
    );
    expect(lines).toHaveLength(1);
  });

  test("is not one that answers now and then", async () => {
    let count = 0;
    const call = targets(32, () => (++count % 5 === 0 ? well() : silent()));
    for (let index = 0; index < 50; index++) await outcome(call({ url: slow }));
    expect(lines).toEqual([]);
  });
});

test("no more than a thousand targets are kept in mind, and none that is being called is forgotten", async () => {
  const call = targets(4, (url) => (url === slow ? new Promise<Answered>(() => {}) : Promise.resolve({ body: {} })));
  for (let index = 0; index < 2; index++) outcome(call({ url: slow }));
  for (let index = 0; index < targetLimits.maxTargets + 5; index++) await call({ url: `https://${index}.example/` });
  const third = outcome(call({ url: slow }));
  await vi.advanceTimersByTimeAsync(targetLimits.maxWaitMs);
  expect(await third).toMatchObject({ reason: "own_limit" });
});
