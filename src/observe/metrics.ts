import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { remember } from "../concurrency/remember.ts";
import { share } from "../concurrency/share.ts";
import { Late, within } from "../concurrency/within.ts";
import type { Log } from "../log.ts";
import type { Db } from "../store/postgres/database.ts";
import { type DatabaseTrouble, troubleOf } from "../store/postgres/database-errors.ts";
import { readStanding, type Standing } from "../store/standing.ts";
import type { PausedLocation } from "../store/trouble/paused-locations.ts";
import type { Waiting } from "../store/trouble/waiting.ts";
import { createEventCounts } from "./count-events.ts";

/** For Prometheus. Labels hold providers' names, kinds, reasons and locations' ids: no bodies, addresses or secrets. */
export interface Metrics {
  /** Counts the events that pass through the log, and passes them on. */
  countEvents(log: Log): Log;
  /** The text format. Never rejects: without the database, what is read from it is left out. */
  render(): Promise<{ contentType: string; text: string }>;
}

export interface MetricsOptions {
  db: Db;
  /** Never rejects, and not later than a scrape may last. */
  databaseTrouble: () => Promise<DatabaseTrouble | undefined>;
  /** What each location may ask of HighLevel. */
  requestsPerDay: number;
  /** Of this process's worker; undefined where none runs. */
  secondsSinceTurn: () => number | undefined;
  /** What is read from the database is shared by the scrapes of so many seconds. */
  standingSeconds: number;
}

/** A scrape must end before Prometheus gives it up, by default after 10 s. */
const maxSeconds = 4;

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const countEvent = createEventCounts(registry);
  const read = share(() => readStanding(options.db));
  const standing = remember(() => within(maxSeconds, read()), { seconds: options.standingSeconds });
  return {
    countEvents: (log) => (level, event, fields) => {
      countEvent(level, event, fields ?? {});
      log(level, event, fields);
    },
    async render() {
      let trouble: DatabaseTrouble | undefined;
      const [known, probed] = await Promise.all([
        standing.get("now").catch((error: unknown) => {
          trouble = error instanceof Late ? "slow" : troubleOf(error);
          return undefined;
        }),
        options.databaseTrouble(),
      ]);
      trouble = probed ?? trouble;
      const registries = [registry, describeStanding(known, trouble, options), processMetrics()];
      const parts = await Promise.all(registries.map((each) => each.metrics()));
      return { contentType: registry.contentType, text: parts.join("\n") };
    },
  };
}

/**
 * Made anew for each scrape, so that nothing of the last one stays. What all processes share is the same from each of them:
 * take the greatest, not the sum.
 */
function describeStanding(
  standing: Standing | undefined,
  trouble: DatabaseTrouble | undefined,
  options: MetricsOptions,
): Registry {
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
  const troubles: [number, string][] = trouble ? [[1, trouble]] : [];
  show("bridge_database_trouble", "1 for what keeps the database from being written to", "trouble", troubles);
  if (!standing) return registry;

  const { pending, dead, paused, failingMailboxes, budgets, sendsHeldSince } = standing;
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
  describeWaiting(registry, standing.waiting);
  one(
    "bridge_sends_held",
    "1 while nothing goes out to people, by HOLD_SENDS or PUT /admin/hold",
    sendsHeldSince ? 1 : 0,
  );
  one("bridge_mappings_paused", "Mappings that somebody paused", standing.pausedMappings);
  describePaused(registry, standing.pausedLocations);
  one(
    "bridge_behind_seconds",
    "How long the oldest work has waited that could be done at once",
    standing.behindSeconds,
  );
  show("bridge_deliveries_dead", "Dead letters by reason; up to 10,000", "reason", byReason(dead));
  one("bridge_webhooks_waiting", "Webhooks to be processed; up to 1,000 of each mapping", standing.receivedWebhooks);
  one("bridge_webhooks_failed", "Webhooks that could not be read; up to 10,000", standing.failedWebhooks);
  show("bridge_locations_paused", "Locations to which nothing goes, by reason", "reason", byReason(paused));
  show(
    "bridge_mailboxes_failing",
    "Mailboxes from which nothing can be fetched, by reason",
    "reason",
    byReason(failingMailboxes),
  );
  one("bridge_highlevel_requests_allowed", "HIGHLEVEL_REQUESTS_PER_DAY, for each location", requestsPerDay);
  one("bridge_highlevel_requests_today", "Requests to HighLevel today, of all locations", budgets.dayUsed);
  show("bridge_highlevel_requests_left", "Of today's, for the ten locations with the least", "location", left);
  return registry;
}

/** Why deliveries wait, and for whom. Those that are there are named: so a cause that is gone has no series. */
function describeWaiting(registry: Registry, waiting: Waiting[]): void {
  const common = { labelNames: ["reason", "provider"], registers: [registry] };
  const counts = new Gauge({
    name: "bridge_deliveries_waiting",
    help: "Deliveries that wait, of the oldest 10,000, by whom they are to call and why: failing, throttled, own_limit, paused, outside_window, daily_cap, replayed, in_line",
    ...common,
  });
  const ages = new Gauge({
    name: "bridge_waiting_seconds",
    help: "Since when the oldest of them waits so; a failing one since it was first attempted",
    ...common,
  });
  for (const { reason, provider, count, oldestSeconds } of waiting) {
    counts.set({ reason, provider }, count);
    ages.set({ reason, provider }, oldestSeconds);
  }
}

function describePaused(registry: Registry, paused: PausedLocation[]): void {
  const gauge = new Gauge({
    name: "bridge_location_paused",
    help: "1 for a location to which nothing goes, and why; up to 100, those first that do not go on by themselves",
    labelNames: ["location", "reason"],
    registers: [registry],
  });
  for (const { id, pausedReason } of paused) gauge.set({ location: id, reason: pausedReason ?? "unknown" }, 1);
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
