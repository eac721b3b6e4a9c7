import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { remember } from "../concurrency/remember.ts";
import { share } from "../concurrency/share.ts";
import type { Log } from "../log.ts";
import type { DeliveryKind } from "../model.ts";
import { providerNames } from "../providers/registry.ts";
import type { Db } from "../store/postgres/database.ts";
import { readStanding, type Standing } from "../store/standing.ts";

/** For Prometheus. Labels hold providers' names, kinds, reasons and locations' ids: no bodies, addresses or secrets. */
export interface Metrics {
  /** Counts the events that pass through the log, and passes them on. */
  countEvents(log: Log): Log;
  /** The text format. Never rejects: without the database, what is read from it is left out. */
  render(): Promise<{ contentType: string; text: string }>;
}

export interface MetricsOptions {
  db: Db;
  /** What each location may ask of HighLevel. */
  requestsPerDay: number;
  /** Of this process's worker; undefined where none runs. */
  secondsSinceTurn: () => number | undefined;
}

const kinds: DeliveryKind[] = ["post-inbound", "send-outbound", "report-status", "send-through-highlevel"];

/** What is read from the database is shared by the scrapes of so many seconds. */
const standingSeconds = 5;
/** A scrape must end before Prometheus gives it up, by default after 10 s. */
const maxSeconds = 4;

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const countEvent = createEventCounts(registry);
  const read = share(() => readStanding(options.db));
  const standing = remember(() => within(maxSeconds, read()), { seconds: standingSeconds });
  return {
    countEvents: (log) => (level, event, fields) => {
      countEvent(level, event, fields ?? {});
      log(level, event, fields);
    },
    async render() {
      const known = await standing.get("now").catch(() => undefined);
      const registries = [registry, describeStanding(known, options), processMetrics()];
      const parts = await Promise.all(registries.map((each) => each.metrics()));
      return { contentType: registry.contentType, text: parts.join("\n") };
    },
  };
}

type Fields = Record<string, unknown>;

function createEventCounts(registry: Registry): (level: string, event: string, fields: Fields) => void {
  const registers = [registry];
  const webhooks = new Counter({
    name: "bridge_webhooks_total",
    help: "Webhooks by provider and outcome: accepted (stored), refused (401), limited (429), unavailable (503)",
    labelNames: ["provider", "outcome"],
    registers,
  });
  const processed = new Counter({
    name: "bridge_webhooks_processed_total",
    help: "Webhooks that were processed, by what they became: processed, ignored, failed",
    labelNames: ["state"],
    registers,
  });
  const attempts = new Counter({
    name: "bridge_attempts_total",
    help: "Attempts at deliveries by kind and outcome: delivered, or the reason of the failure",
    labelNames: ["kind", "outcome"],
    registers,
  });
  const deliveries = new Counter({
    name: "bridge_deliveries_total",
    help: "Deliveries that were finished, by kind and state: delivered, dead",
    labelNames: ["kind", "state"],
    registers,
  });
  const attemptSeconds = new Histogram({
    name: "bridge_attempt_seconds",
    help: "How long attempts took",
    labelNames: ["kind"],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const lines = new Counter({
    name: "bridge_log_lines_total",
    help: "Lines of the log of level warn and error, by event; error means that a person must act",
    labelNames: ["level", "event"],
    registers,
  });

  const stalledSeconds = new Counter({
    name: "bridge_stalled_seconds_total",
    help: "How long this process stood still in stalls of over 200 ms; each left a line loop.stalled",
    registers,
  });

  // A series must be there before its first event, or Prometheus does not see it rise.
  for (const provider of [...providerNames, "highlevel", "unknown"]) {
    for (const outcome of ["accepted", "refused", "limited", "unavailable"]) webhooks.inc({ provider, outcome }, 0);
  }
  for (const kind of kinds) {
    for (const state of ["delivered", "dead"]) deliveries.inc({ kind, state }, 0);
  }
  for (const state of ["processed", "ignored", "failed"]) processed.inc({ state }, 0);
  const countWebhook = (outcome: string) => (fields: Fields) =>
    webhooks.inc({ provider: textOf(fields["provider"]), outcome });
  const counted: Record<string, (fields: Fields) => void> = {
    "webhook.accepted": countWebhook("accepted"),
    "webhook.refused": countWebhook("refused"),
    "webhook.limited": countWebhook("limited"),
    "webhook.unavailable": countWebhook("unavailable"),
    "webhook.processed": ({ state }) => processed.inc({ state: textOf(state) }),
    "loop.stalled": ({ ms }) => stalledSeconds.inc(Number(ms) / 1000),
    "delivery.attempted": (fields) => {
      const [kind, state] = [textOf(fields["kind"]), textOf(fields["state"])];
      attempts.inc({ kind, outcome: textOf(fields["outcome"]) });
      attemptSeconds.observe({ kind }, Number(fields["durationMs"]) / 1000);
      if (state !== "pending") deliveries.inc({ kind, state });
    },
  };
  return (level, event, fields) => {
    counted[event]?.(fields);
    if (level === "error" || level === "warn") lines.inc({ level, event });
  };
}

const textOf = (value: unknown) => (typeof value === "string" ? value : "unknown");

/**
 * Made anew for each scrape, so that nothing of the last one stays. What all processes share is the same from each of them:
 * take the greatest, not the sum.
 */
function describeStanding(standing: Standing | undefined, options: MetricsOptions): Registry {
  const registry = new Registry();
  const show = (name: string, help: string, label: string | undefined, values: [value: number, label?: string][]) => {
    const gauge = new Gauge({ name, help, labelNames: label === undefined ? [] : [label], registers: [registry] });
    for (const [value, text] of values) gauge.set(label === undefined ? {} : { [label]: text }, value);
  };
  const one = (name: string, help: string, value: number) => show(name, help, undefined, [[value]]);

  const turn = options.secondsSinceTurn();
  if (turn !== undefined) {
    one("bridge_worker_turn_age_seconds", "How long ago this process's worker last took a turn", turn);
  }
  one("bridge_database_up", "1 when the database answers in time, else 0", standing ? 1 : 0);
  if (!standing) return registry;

  const { pending, dead, paused, budgets } = standing;
  const { requestsPerDay } = options;
  const counts = pending.map(({ kind, count }): [number, string] => [count, kind]);
  const ages = pending.map(({ kind, oldestSeconds }): [number, string] => [oldestSeconds, kind]);
  const byReason = (rows: typeof dead) => rows.map(({ reason, count }): [number, string] => [count, reason]);
  const left = budgets.tightest.map(({ locationId, dayUsed }): [number, string] => [
    Math.max(0, requestsPerDay - dayUsed),
    locationId,
  ]);
  show("bridge_deliveries_pending", "Deliveries that wait, by kind; up to 50,000", "kind", counts);
  show("bridge_oldest_pending_seconds", "The age of the oldest delivery that waits, by kind", "kind", ages);
  one(
    "bridge_behind_seconds",
    "How long the oldest work has waited that could be done at once",
    standing.behindSeconds,
  );
  show("bridge_deliveries_dead", "Dead letters by reason; up to 10,000", "reason", byReason(dead));
  one("bridge_webhooks_waiting", "Webhooks to be processed; up to 1,000 of each mapping", standing.receivedWebhooks);
  one("bridge_webhooks_failed", "Webhooks that could not be read; up to 10,000", standing.failedWebhooks);
  show("bridge_locations_paused", "Locations to which nothing goes, by reason", "reason", byReason(paused));
  one("bridge_highlevel_requests_allowed", "HIGHLEVEL_REQUESTS_PER_DAY, for each location", requestsPerDay);
  one("bridge_highlevel_requests_today", "Requests to HighLevel today, of all locations", budgets.dayUsed);
  show("bridge_highlevel_requests_left", "Of today's, for the ten locations with the least", "location", left);
  return registry;
}

async function within<Result>(seconds: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

let ofProcess: Registry | undefined;

/** Memory, event loop, garbage collection: one observer for the process, however many bridges run in it. */
function processMetrics(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}
