import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { longestFirst } from "./test/support/longest-first.ts";
import { testFilesByProject } from "./test/support/projects.ts";
import { createSummaryReporter } from "./test/support/summary-reporter.ts";

/**
 * `unit` has no database, `postgres` has one in process or a server, `system` has processes: the bridge's own, PostgreSQL's
 * to be stopped, a browser. What a test file imports, at whatever depth, decides where it belongs
 * (test/support/projects.ts); nothing has to be entered anywhere.
 */
const files = testFilesByProject(import.meta.dirname);
const databases = "test/support/set-up-databases.ts";
const program = "test/support/set-up-program.ts";
const projects = [
  { name: "unit", include: files.unit },
  { name: "postgres", include: files.postgres, globalSetup: [databases] },
  { name: "system", include: files.system, globalSetup: [databases, program] },
];
/** All of them, where no project is asked for: a worker then loads what they share once instead of three times. */
const whole = { name: "all", include: Object.values(files).flat(), globalSetup: [databases, program] };
const isOneAskedFor = process.argv.some((word) => word.startsWith("--project"));

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    // Tests wait for a fourth of their time and more: for limits, for time-outs, for the disk.
    maxWorkers: availableParallelism() * 2,
    sequence: { sequencer: longestFirst(files) },
    reporters: ["default", createSummaryReporter()],
    projects: (isOneAskedFor ? projects : [whole]).map((test) => ({
      extends: true,
      test: { isolate: false, ...test },
    })),
    // How long a test waits before it has failed: what it waits for comes in a fraction of that, but not on each machine.
    testTimeout: 240_000,
    hookTimeout: 300_000,
    // `npm run fuzz` makes it 10,000; `npm run attack` does all of it, and judges the time, which a busy machine would fail.
    provide: { fuzzRuns: 50, modelRuns: 300, attack: { size: 0.05, mostMs: undefined } },
  },
});
