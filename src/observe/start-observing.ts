import type { Log } from "../log.ts";
import type { Metrics, MetricsOptions } from "./metrics.ts";
import { type Stalls, watchStalls } from "./stalls.ts";
import type { TraceConfig, Traces } from "./trace.ts";
import { type DatabaseWatch, nameDatabaseTroubles, watchDatabase } from "./watch-database.ts";
import { watchOutages } from "./watch-outages.ts";

export interface ObserveSettings {
  /** Without one there are no metrics. */
  metricsTokens?: string[] | undefined;
  /** Without them there are no traces. */
  traces?: TraceConfig | undefined;
  publicUrl: string;
  highlevelRequests: { perDay: number };
}

export interface Observing {
  /** Passes all lines on, and counts and traces what they tell. */
  log: Log;
  stalls: Stalls;
  databaseWatch: DatabaseWatch;
  metrics?: Metrics;
  traces?: Traces;
}

/**
 * The watch over stalls; and metrics and traces where they are set up. Their libraries are loaded only then: a start does
 * not wait for them.
 */
export async function startObserving(
  settings: ObserveSettings,
  log: Log,
  options: Pick<MetricsOptions, "db" | "secondsSinceTurn" | "standingSeconds">,
): Promise<Observing> {
  const databaseWatch = watchDatabase(options.db);
  const observing: Omit<Observing, "stalls"> = { log: nameDatabaseTroubles(log), databaseWatch };
  if (settings.metricsTokens !== undefined) {
    const { createMetrics } = await import("./metrics.ts");
    observing.metrics = createMetrics({
      ...options,
      databaseTrouble: databaseWatch.trouble,
      requestsPerDay: settings.highlevelRequests.perDay,
    });
    observing.log = observing.metrics.countEvents(observing.log);
  }
  if (settings.traces) {
    const { createTraces } = await import("./trace.ts");
    observing.traces = createTraces(settings.traces, settings.publicUrl, log);
    observing.log = observing.traces.traceEvents(observing.log);
  }
  observing.log = watchOutages(observing.log);
  return { ...observing, stalls: watchStalls(observing.log) };
}
