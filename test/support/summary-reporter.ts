import type { Reporter, TestModule } from "vitest/node";

/** Ends the run with a line that scripts can read: `N passed, N failed`. */
export function createSummaryReporter(): Reporter {
  return {
    onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]) {
      const results = modules.flatMap((module) => [...module.children.allTests()]).map((test) => test.result().state);
      const count = (state: string) => results.filter((each) => each === state).length;
      const brokenFiles = modules.filter((module) => module.errors().length > 0).length;
      const skipped = count("skipped");
      const failed = count("failed") + brokenFiles + errors.length;
      process.stdout.write(`\n${count("passed")} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}\n`);
    },
  };
}
