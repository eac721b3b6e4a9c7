import { defineConfig } from "vitest/config";
import { createSummaryReporter } from "../support/summary-reporter.ts";

/** Client and sandbox against HighLevel's own files, which are not copied here: `HIGHLEVEL_OPENAPI` says where they are. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    include: ["test/contract/**/*.contract.ts"],
    reporters: ["default", createSummaryReporter()],
  },
});
