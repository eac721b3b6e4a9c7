import { afterAll, expect, test } from "vitest";
import { createThreads, ThreadStopped } from "../../src/concurrency/threads.ts";

const module = new URL("./odd-work.ts", import.meta.url);
const threads = createThreads<string, string>({ module, maxThreads: 2, maxSeconds: 60, maxMemoryMb: 32 });
const hasty = createThreads<string, string>({ module, maxThreads: 1, maxSeconds: 1, maxMemoryMb: 32 });
afterAll(() => Promise.all([threads.stop(), hasty.stop()]));

test("work is done in turn, however much there is for few threads", async () => {
  const works = Array.from({ length: 20 }, (_, number) => `work ${number}`);
  expect(await Promise.all(works.map((work) => threads.run(work)))).toEqual(works.map((work) => `did ${work}`));
});

test("what the work throws is thrown by its name and words, and the thread goes on", async () => {
  await expect(threads.run("throw")).rejects.toMatchObject({ name: "RangeError", message: "too odd" });
  expect(await threads.run("more")).toBe("did more");
});

test("work that never ends is stopped, and what waits behind it is done", async () => {
  const stopped = hasty.run("spin");
  const behind = hasty.run("more").catch((error: unknown) => error);
  await expect(stopped).rejects.toEqual(new ThreadStopped("it took longer than 1 s"));
  // Its thread starts anew, which on a busy machine takes longer than this one may.
  expect(["did more", new ThreadStopped("it took longer than 1 s")]).toContainEqual(await behind);
});

test("work that takes all memory, or its thread, takes nothing from anybody else", async () => {
  const others = threads.run("more");
  await expect(threads.run("hoard")).rejects.toEqual(new ThreadStopped("it took more memory than it may"));
  await expect(threads.run("exit")).rejects.toEqual(new ThreadStopped("its thread ended"));
  expect(await others).toBe("did more");
  expect(await threads.run("more")).toBe("did more");
});
