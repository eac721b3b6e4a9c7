import { expect, test } from "vitest";
import { share } from "../../src/concurrency/share.ts";

test("however many ask at once, it is read once; who asks later has it read anew, also after a failure", async () => {
  let reads = 0;
  const read = share(async () => {
    reads++;
    await Promise.resolve();
    if (reads === 2) throw new Error("away");
    return reads;
  });
  expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
  await expect(Promise.all([read(), read()])).rejects.toThrow("away");
  expect(await read()).toBe(3);
});
