import { defineConfig } from "vitest/config";
import { createSummaryReporter } from "../support/summary-reporter.ts";

/** The same tests with 10,000 requests for each adapter and each route, and each fixture spoiled in each way: about half an hour. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    include: ["test/fuzz/**/*.test.ts", "test/providers/contract.test.ts"],
    globalSetup: ["test/support/set-up-databases.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 120_000,
    provide: { fuzzRuns: 10_000 },
    reporters: ["default", createSummaryReporter()],
  },
});
