import { defineConfig } from "vitest/config";
import { createSummaryReporter } from "../support/summary-reporter.ts";

/** The same attacks as hard as they were done once, and with the time that the other tenant may have to wait. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    include: ["test/attacks/**/*.test.ts"],
    globalSetup: ["test/support/set-up-databases.ts", "test/support/set-up-program.ts"],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    provide: { attack: { size: 1, mostMs: 1000 } },
    reporters: ["default", createSummaryReporter()],
  },
});
