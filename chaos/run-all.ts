import { type Result, runScenario } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";
import type { WorldOptions } from "./world.ts";

export interface RunOptions extends Omit<WorldOptions, "scenario" | "processes"> {
  scenarios: Scenario[];
  /** The numbers of processes; a scenario may take fewer of them. */
  processes: number[];
  /** Runs at a time: most of their time they wait. */
  jobs: number;
  onResult?(result: Result): void;
}

/** Runs each scenario with each number of processes; gives the results in the order of the scenarios. */
export async function runAll(options: RunOptions): Promise<Result[]> {
  const { scenarios, jobs, onResult, ...rest } = options;
  const runs = scenarios.flatMap((scenario) =>
    options.processes
      .filter((processes) => (scenario.processes ?? [processes]).includes(processes))
      .map((processes) => ({ scenario, processes })),
  );
  const results: Result[] = [];
  const waiting = [...runs.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, run] = next;
      const result = await runScenario({ ...rest, ...run });
      results[index] = result;
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results;
}
