import { z } from "zod";
import {
  bucketBounds,
  type CountFilter,
  countOutcomes,
  countSteps,
  type OutcomeCount,
} from "../../store/operate/attempt-counts.ts";
import type { Db } from "../../store/postgres/database.ts";
import { metricsAnswer } from "../answers/metrics.ts";
import { csvAnswer } from "../answers/people.ts";
import type { Caller } from "../caller.ts";
import { toLine } from "../csv.ts";
import { operation, reply } from "../operations/operation.ts";
import { readSearch, text } from "./fields.ts";

/** How far back, in how many steps, and by what was counted for that. */
const spans = {
  "1h": { steps: 60, stepSeconds: 60, span: "minute" },
  "24h": { steps: 24, stepSeconds: 3600, span: "hour" },
  "7d": { steps: 28, stepSeconds: 6 * 3600, span: "hour" },
  "30d": { steps: 30, stepSeconds: 24 * 3600, span: "hour" },
} as const;
const spanNames = ["1h", "24h", "7d", "30d"] as const;

const query = {
  span: z
    .enum(spanNames, `must be one of ${spanNames.join(", ")}`)
    .default("1h")
    .describe("How far back."),
  locationId: text.optional(),
  mappingId: z.uuid().optional(),
};
type Query = z.output<z.ZodObject<typeof query>>;
const tag = "Deliveries";
const by = "any key";
const most = 10_000;

/** What attempts became, by the counts of all processes. */
export const metricsOperations = {
  getMetrics: operation({
    ...{ method: "GET", path: "/admin/metrics", tag, by },
    summary: "Tells how attempts ended over a time: by step, by outcome and by mapping, and how long they took.",
    description:
      "Counted in each process and added up each five seconds: what one that dies had not added yet is not counted.",
    query,
    answers: { 200: metricsAnswer },
    async handle({ people }: { people: Db }, { caller, query: asked }) {
      const { steps, stepSeconds } = spans[asked.span];
      const filter = await readFilter(people, caller, asked);
      const counted = await countSteps(people, filter, stepSeconds);
      const rows = await countOutcomes(people, filter, most);
      return reply(200, {
        span: asked.span,
        from: filter.from,
        stepSeconds,
        steps: Array.from({ length: steps }, (_, index) => {
          const within = counted.filter(({ step }) => step === index);
          return { at: new Date(filter.from.getTime() + index * stepSeconds * 1000), ...byState(within) };
        }),
        all: describe(rows),
        outcomes: groupBy(rows, ({ kind, state, outcome }) => ({ kind, state, outcome })),
        mappings: groupBy(rows, ({ mappingId, locationId }) => ({ mappingId, locationId })),
      });
    },
  }),

  exportMetrics: operation({
    ...{ method: "GET", path: "/admin/metrics/export", tag, by },
    summary: "Gives the same as CSV: a line for each outcome at each mapping.",
    query,
    answers: { 200: csvAnswer },
    async handle({ people }: { people: Db }, { caller, query: asked }) {
      const filter = await readFilter(people, caller, asked);
      const rows = await countOutcomes(people, filter, most);
      return reply(200, toLines(rows), {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="metrics.csv"',
      });
    },
  }),
};

/** The step that is not over yet is the last one. */
async function readFilter(people: Db, caller: Caller, { span, ...given }: Query): Promise<CountFilter> {
  const { steps, stepSeconds, span: countedBy } = spans[span];
  const { locationIds, mappingId } = await readSearch(people, caller, given);
  const stepMs = stepSeconds * 1000;
  const from = new Date((Math.floor(Date.now() / stepMs) - steps + 1) * stepMs);
  return { span: countedBy, from, locationIds, mappingId };
}

type Counted = Pick<OutcomeCount, "state" | "count">;

function byState(rows: Counted[]) {
  const of = (state: Counted["state"]) =>
    rows.filter((row) => row.state === state).reduce((sum, { count }) => sum + count, 0);
  return { delivered: of("delivered"), retrying: of("pending"), dead: of("dead") };
}

function describe(rows: OutcomeCount[]) {
  const buckets = bucketBounds
    .concat(0)
    .map((_, place) => rows.reduce((sum, row) => sum + (row.buckets[place] ?? 0), 0));
  const limited = rows.filter(({ outcome }) => outcome === "throttled").reduce((sum, { count }) => sum + count, 0);
  return { ...byState(rows), throttled: limited, p50Ms: quantile(buckets, 0.5), p95Ms: quantile(buckets, 0.95) };
}

/** In the order of the rows, of which those come first that there are most of. */
function groupBy<Name extends object>(rows: OutcomeCount[], nameOf: (row: OutcomeCount) => Name) {
  const groups = new Map<string, OutcomeCount[]>();
  for (const row of rows) {
    const name = JSON.stringify(nameOf(row));
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return [...groups.values()].map((some) => ({ ...nameOf(some[0] as OutcomeCount), ...describe(some) }));
}

/** Estimated within its bucket; of the last one, which has no end, it is where that begins. */
function quantile(buckets: number[], part: number): number | null {
  const wanted = part * buckets.reduce((sum, count) => sum + count, 0);
  if (wanted === 0) return null;
  let passed = 0;
  for (const [place, bound] of bucketBounds.entries()) {
    const count = buckets[place] ?? 0;
    const begins = bucketBounds[place - 1] ?? 0;
    if (passed + count >= wanted) return Math.round(begins + ((wanted - passed) / count) * (bound - begins));
    passed += count;
  }
  return bucketBounds.at(-1) ?? null;
}

const columns = ["locationId", "mappingId", "kind", "state", "outcome", "count"] as const;

async function* toLines(rows: OutcomeCount[]) {
  yield toLine([...columns, "p50Ms", "p95Ms"]);
  for (const row of rows) {
    const { p50Ms, p95Ms } = describe([row]);
    yield toLine([...columns.map((name) => row[name]), p50Ms, p95Ms].map((cell) => String(cell ?? "")));
  }
}
