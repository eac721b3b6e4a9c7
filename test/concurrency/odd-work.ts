import { serveThread } from "../../src/concurrency/serve-thread.ts";

/** For threads.test.ts: work that goes well, throws, never ends, or takes all memory. */
serveThread((what: string) => {
  if (what === "throw") throw new RangeError("too odd");
  if (what === "exit") process.exit(1);
  while (what === "spin");
  const hoard: number[][] = [];
  while (what === "hoard") hoard.push(new Array(100_000).fill(1.5));
  return `did ${what}`;
});
