import { setTimeout as sleep } from "node:timers/promises";

/** Waits until it is so; gives up with what it is instead, long after a busy machine would have done it. */
export async function until<Value>(
  read: () => Value | Promise<Value>,
  isSo: (value: Value) => boolean,
  seconds = 200,
): Promise<Value> {
  const start = performance.now();
  for (;;) {
    const beganAt = performance.now();
    const value = await read();
    if (isSo(value)) return value;
    const [asked, waited] = [performance.now() - beganAt, performance.now() - start];
    if (waited > seconds * 1000)
      throw new Error(`after ${seconds} s it still is ${JSON.stringify(value)?.slice(0, 2000)}`);
    // Asking takes a fifth of the time at most, and less of what takes long: the rest is for what it waits for.
    await sleep(Math.min(Math.max(10 + 4 * asked, waited / 8), 500));
  }
}
