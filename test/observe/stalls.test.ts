import { afterEach, expect, test } from "vitest";
import { type Stalls, watchStalls } from "../../src/observe/stalls.ts";
import { until } from "../support/until.ts";

let stalls: Stalls;
let lines: Record<string, unknown>[] = [];
afterEach(() => {
  stalls.stop();
  lines = [];
});

const watch = () => watchStalls((level, event, fields) => lines.push({ level, event, ...fields }));
const standStill = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
const oneLine = () =>
  until(
    () => lines,
    (all) => all.length > 0,
    10,
  );

test("a stall is told with what was being worked on, what began last first", async () => {
  stalls = watch();
  const waiting = stalls.during({ what: "delivery", id: 7 }, () => until(() => lines.length, Boolean, 10));
  await stalls.during({ what: "webhook", id: 4 }, async () => undefined);
  await stalls.during({ what: "webhook", id: 5 }, async () => void standStill());
  const [line] = await oneLine();
  expect(line).toMatchObject({ level: "warn", event: "loop.stalled", others: 0 });
  expect(line?.["about"]).toEqual(["webhook 5", "webhook 4", "delivery 7"]);
  expect(line?.["ms"]).toBeGreaterThan(200);
  await waiting;
});

test("what is long done is not named, and of very many ten are", async () => {
  stalls = watch();
  await stalls.during({ what: "webhook", id: 1 }, async () => undefined);
  standStill();
  await oneLine();
  lines = [];
  for (let id = 2; id < 42; id++) await stalls.during({ what: "webhook", id }, async () => undefined);
  standStill();
  const [line] = await oneLine();
  expect(line).toMatchObject({ others: 30 });
  expect(line?.["about"]).toHaveLength(10);
  expect(line?.["about"]).toContain("webhook 41");
  expect(line?.["about"]).not.toContain("webhook 1");
});

test("what fails within is no more under way, and fails as before", async () => {
  stalls = watch();
  const failing = stalls.during({ what: "delivery", id: 1 }, () => Promise.reject(new Error("of its own")));
  await expect(failing).rejects.toThrow("of its own");
});
