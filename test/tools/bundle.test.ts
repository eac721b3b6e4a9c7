import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";

const source = join(import.meta.dirname, "../../src");
const threads = readdirSync(source, { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith("-thread.ts") && /^serveThread/m.test(readFileSync(join(source, name), "utf8")),
);

test("there are threads to be found", () => {
  expect(threads.length).toBeGreaterThan(2);
});

// Without a parent a thread has nothing to do, and ends.
test.each(threads)("the build has %s as a file that holds all that it needs", (name) => {
  const file = join(inject("program").folder, "dist", name.replace(/\.ts$/, ".js"));
  expect(String(execFileSync(process.execPath, [file], { stdio: "pipe" }))).toBe("");
});
