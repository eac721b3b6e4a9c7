import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { startLoop } from "../../src/concurrency/loop.ts";
import { until } from "../support/until.ts";

function countTurns(pollSeconds: number) {
  let turns = 0;
  const run = async () => {
    turns++;
    return false;
  };
  const loop = startLoop({ log: () => undefined, name: "test", pollSeconds, run });
  onTestFinished(() => loop.stop());
  return { loop, turns: () => turns };
}

test("a loop that is to be woken in a while is, long before its next poll", async () => {
  const { loop, turns } = countTurns(3600);
  loop.wakeIn(0.05);
  await until(turns, (count) => count === 2);
});

test("a thousand times that are near each other are few wakings", async () => {
  const { loop, turns } = countTurns(3600);
  for (let nth = 0; nth < 1000; nth++) loop.wakeIn(0.05 + nth / 100_000);
  await until(turns, (count) => count > 1);
  await sleep(300);
  expect(turns()).toBeLessThan(10);
});

test("nothing wakes it after its stop", async () => {
  const { loop, turns } = countTurns(3600);
  loop.wakeIn(0.1);
  await loop.stop();
  const before = turns();
  await sleep(300);
  expect(turns()).toBe(before);
});

test("a turn knows whether somebody woke it: not the first one, nor one that follows by itself", async () => {
  const woken: boolean[] = [];
  const run = async (isWoken: boolean) => woken.push(isWoken) % 3 === 1;
  const loop = startLoop({ log: () => undefined, name: "test", pollSeconds: 3600, run });
  onTestFinished(() => loop.stop());
  await until(
    () => woken.length,
    (count) => count === 2,
  );
  loop.wake();
  await until(
    () => woken.length,
    (count) => count === 3,
  );
  expect(woken).toEqual([false, false, true]);
});
