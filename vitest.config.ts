import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";
import { testFilesByProject } from "./test/support/projects.ts";
import { createSummaryReporter } from "./test/support/summary-reporter.ts";

/**
 * `unit` has no database, `providers` tries what every provider must do, `postgres` has a database in process or a server,
 * `system` has processes: the bridge's own, PostgreSQL's to be stopped, a browser. What a test file imports, at whatever
 * depth, decides where it belongs (test/support/projects.ts); nothing has to be entered anywhere.
 */
const files = testFilesByProject(import.meta.dirname);
const databases = "test/support/set-up-databases.ts";
const program = "test/support/set-up-program.ts";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    // Tests wait for a fourth of their time and more: for limits, for time-outs, for the disk.
    maxWorkers: availableParallelism() * 2,
    sequence: { sequencer: LongestFirst },
    reporters: ["default", createSummaryReporter()],
    projects: [
      { extends: true, test: { name: "unit", include: files.unit, isolate: false } },
      { extends: true, test: { name: "providers", include: files.providers, isolate: false } },
      { extends: true, test: { name: "postgres", isolate: false, include: files.postgres, globalSetup: [databases] } },
      {
        extends: true,
        test: { name: "system", isolate: false, include: files.system, globalSetup: [databases, program] },
      },
    ],
    // How long a test waits before it has failed: what it waits for comes in a fraction of that, but not on each machine.
    testTimeout: 240_000,
    hookTimeout: 300_000,
    // `npm run fuzz` makes it 10,000; `npm run attack` does all of it, and judges the time, which a busy machine would fail.
    // Most of what tests make is gone at once: with room for more of it there is less to collect.
    execArgv: ["--max-semi-space-size=64"],
    provide: { fuzzRuns: 50, modelRuns: 300, attack: { size: 0.05, mostMs: undefined } },
  },
});
