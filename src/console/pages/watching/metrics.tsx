import type { ComponentChildren } from "preact";
import { kinds } from "../../../advice/kinds.ts";
import type { Calls, Metrics } from "../../calls.ts";
import { hrefWith, type Page } from "../../frame/answer.ts";
import { Filters, Table, whose } from "../../frame/list.tsx";
import { Sparkline, Tile } from "../../frame/tile.tsx";

const path = "/console/metrics";
const choices = [{ name: "span", label: "Over the last", words: ["1h", "24h", "7d", "30d"] }, ...whose];

/** `GET /console/metrics`: how attempts ended over a time, as pictures and as the figures that they show. */
export function metricsPage(calls: Calls): Page {
  return async ({ caller, query }) => {
    const { body: metrics } = await calls.getMetrics(caller, { query });
    return {
      title: "Metrics",
      body: (
        <>
          <Filters path={path} query={query} choices={choices} />
          <ul class="tiles">
            {(["delivered", "retrying", "dead"] as const).map((state) => (
              <Tile key={state} said={titles[state]} value={metrics.all[state]}>
                <Sparkline counts={metrics.steps.map((step) => step[state])} />
              </Tile>
            ))}
            <Tile said="Answered 429" value={metrics.all.throttled} />
            <Tile said="An attempt takes" value={showMs(metrics.all.p50Ms)}>
              <span class="faint">95 of 100 at most {showMs(metrics.all.p95Ms)}</span>
            </Tile>
          </ul>
          <h2>By outcome</h2>
          <Table
            items={metrics.outcomes}
            columns={outcomeColumns}
            keyOf={(row) => `${row.kind} ${row.state} ${row.outcome}`}
          />
          <h2>By mapping</h2>
          <Table
            items={metrics.mappings}
            columns={mappingColumns}
            keyOf={(row) => `${row.mappingId} ${row.locationId}`}
          />
          <p>
            <a href={hrefWith(`${path}/csv`, query)}>The same as CSV</a>
          </p>
        </>
      ),
    };
  };
}

/** `GET /console/metrics/csv`. */
export function metricsCsv(calls: Calls): Page {
  return async ({ caller, query }) => ({ reply: await calls.exportMetrics(caller, { query }) });
}

const titles = { delivered: "Delivered", retrying: "Failed, tried again", dead: "Given up" };
const showMs = (ms: number | null) => (ms === null ? "–" : `${ms} ms`);
const times = { p50: ({ p50Ms }: Metrics["all"]) => showMs(p50Ms), p95: ({ p95Ms }: Metrics["all"]) => showMs(p95Ms) };

const outcomeColumns: Record<string, (row: Metrics["outcomes"][number]) => ComponentChildren> = {
  What: ({ kind }) => kinds[kind],
  Outcome: ({ outcome, state }) => (state === "pending" ? `${outcome}, tried again` : outcome),
  Attempts: ({ delivered, retrying, dead }) => delivered + retrying + dead,
  ...times,
};
const mappingColumns: Record<string, (row: Metrics["mappings"][number]) => ComponentChildren> = {
  Mapping: ({ mappingId }) =>
    mappingId === null ? "none" : <a href={`/console/mappings/${mappingId}`}>{mappingId}</a>,
  Location: ({ locationId }) => locationId,
  Delivered: ({ delivered }) => delivered,
  "Tried again": ({ retrying }) => retrying,
  "Given up": ({ dead }) => dead,
  "429s": ({ throttled }) => throttled,
  ...times,
};
