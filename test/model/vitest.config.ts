import { defineConfig } from "vitest/config";
import { createSummaryReporter } from "../support/summary-reporter.ts";

/** The same over 10,000 programs: about an hour. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    include: ["test/model/**/*.test.ts"],
    globalSetup: ["test/support/set-up-databases.ts"],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    provide: { modelRuns: 10_000 },
    reporters: ["default", createSummaryReporter()],
  },
});
