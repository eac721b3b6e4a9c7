import { and, desc, gte, type SQL, sql } from "drizzle-orm";
import { isAnyOf } from "../postgres/any-of.ts";
import type { Db } from "../postgres/database.ts";
import { prepare } from "../postgres/prepare.ts";
import { type AttemptCount, attemptCounts, type CountSpan, noMapping } from "../schema.ts";

/** Up to how many milliseconds what is in a bucket took; what took longer than the last is in one more. */
export const bucketBounds = [25, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600];

/** Adds to what is counted, by one statement, each key once; in their order, so that two processes do not wait for each other. */
export async function addAttemptCounts(db: Db, counts: AttemptCount[]): Promise<void> {
  await add(db, { input: JSON.stringify(counts) });
}

const add = prepare<{ input: string }, Record<string, never>>(
  "add-attempt-counts",
  (value) => sql`
    insert into attempt_counts as kept (span, at, location_id, mapping_id, kind, state, outcome, count, buckets)
    select span, at, "locationId", "mappingId", kind, state, outcome, count, buckets
    from json_to_recordset(${value("input")}::json) as input (
      span text, at timestamptz, "locationId" text, "mappingId" uuid, kind text, state text, outcome text, count int,
      buckets int[]
    )
    order by span, at, "locationId", "mappingId", kind, state, outcome
    on conflict (span, at, location_id, mapping_id, kind, state, outcome) do update
    set count = kept.count + excluded.count,
      buckets = array(
        select one + other from unnest(kept.buckets, excluded.buckets) with ordinality as both_of (one, other, place)
        order by place
      )`,
);

export interface CountFilter {
  span: CountSpan;
  from: Date;
  locationIds?: string[] | undefined;
  mappingId?: string | undefined;
}

/** How many ended how in each of the steps since `from`. */
export async function countSteps(db: Db, filter: CountFilter, stepSeconds: number) {
  const since = sql`extract(epoch from ${attemptCounts.at}) - ${filter.from.getTime() / 1000}`;
  const step = sql<number>`floor((${since}) / ${stepSeconds})::int`.as("step");
  return db
    .select({ step, kind: attemptCounts.kind, state: attemptCounts.state, count: totalCount })
    .from(attemptCounts)
    .where(isWithin(filter))
    .groupBy(sql`step`, attemptCounts.kind, attemptCounts.state);
}

const totalCount = sql<number>`sum(${attemptCounts.count})::float8`;

/** How many ended how at each mapping, and how long they took; those first of which there are most. */
export async function countOutcomes(db: Db, filter: CountFilter, limit: number) {
  const { locationId, kind, state, outcome } = attemptCounts;
  const mappingId = sql<string | null>`nullif(${attemptCounts.mappingId}, ${noMapping}::uuid)`;
  const places = [...bucketBounds.keys(), bucketBounds.length];
  const sums = places.map((place) => sql`sum(${attemptCounts.buckets}[${sql.raw(String(place + 1))}])`);
  const buckets = sql<number[]>`array[${sql.join(sums, sql`, `)}]::float8[]`;
  return db
    .select({ locationId, mappingId, kind, state, outcome, count: totalCount, buckets })
    .from(attemptCounts)
    .where(isWithin(filter))
    .groupBy(locationId, attemptCounts.mappingId, kind, state, outcome)
    .orderBy(desc(totalCount))
    .limit(limit);
}
export type OutcomeCount = Awaited<ReturnType<typeof countOutcomes>>[number];

function isWithin({ span, from, locationIds, mappingId }: CountFilter): SQL | undefined {
  return and(
    sql`${attemptCounts.span} = ${span}`,
    gte(attemptCounts.at, from),
    locationIds && isAnyOf(attemptCounts.locationId, locationIds),
    mappingId === undefined ? undefined : isAnyOf(attemptCounts.mappingId, [mappingId], "uuid"),
  );
}
