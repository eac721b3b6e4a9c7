import { defineConfig } from "vitest/config";
import { createSummaryReporter } from "./test/support/summary-reporter.ts";

// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // `npm run fuzz` makes it 10,000.
    provide: { fuzzRuns: 500 },
    reporters: ["default", createSummaryReporter()],
  },
});
