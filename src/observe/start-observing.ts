import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Metrics, MetricsOptions } from "./metrics.ts";
import type { Traces } from "./trace.ts";

export interface Watching {
  /** Passes all lines on, and counts and traces what they tell. */
  log: Log;
  metrics?: Metrics;
  traces?: Traces;
}

/** Metrics and traces, where they are set up. Their libraries are loaded only then: a start does not wait for them. */
export async function startWatching(
  config: Pick<Config, "metricsToken" | "traces" | "publicUrl" | "highlevelRequests">,
  log: Log,
  options: Pick<MetricsOptions, "db" | "secondsSinceTurn">,
): Promise<Watching> {
  const watching: Watching = { log };
  if (config.metricsToken !== undefined) {
    const { createMetrics } = await import("./metrics.ts");
    watching.metrics = createMetrics({ ...options, requestsPerDay: config.highlevelRequests.perDay });
    watching.log = watching.metrics.countEvents(watching.log);
  }
  if (config.traces) {
    const { createTraces } = await import("./trace.ts");
    watching.traces = createTraces(config.traces, config.publicUrl, log);
    watching.log = watching.traces.traceEvents(watching.log);
  }
  return watching;
}
