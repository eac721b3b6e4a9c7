import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Database } from "../../src/store/postgres/database.ts";
import { openMigrated } from "../support/database.ts";
import type { Answer } from "./highlevel.ts";
import { Misdeed } from "./model.ts";
import { plant } from "./plant.ts";
import { programs, type Step } from "./program.ts";
import { createWorld } from "./world.ts";

const run = async ({ db }: Database, steps: Step[]) => {
  const world = await createWorld(db);
  for (const step of steps) await world.run(step);
  await world.end();
};

describe("whatever happens, each text comes once, in order, where it belongs, and none is lost", () => {
  let database: Database;
  beforeAll(async () => {
    database = await openMigrated(inject, 5);
  });
  afterAll(() => database.close());

  test(
    "over random programs",
    async () => {
      await fc.assert(
        fc.asyncProperty(programs, (steps) => run(database, steps)),
        { numRuns: inject("modelRuns") },
      );
    },
    inject("modelRuns") * 2000,
  );
});

const byLease = /(and )?lanes\.lease_token = input\.lease_token( and)?/g;
const receive = (...ids: number[]): Step => ({ what: "receive", number: 0, person: 0, ids });
const taken: Step = { what: "process", worker: 0, places: 0 };
const takenBy = (worker: number): Step => ({ what: "process", worker, places: 1 });
const claim = (worker: number): Step => ({ what: "claim", worker, places: 4 });
const deliver = (worker: number, ...answers: Answer[]): Step => ({ what: "deliver", worker, answers });
const leasesEnd: Step = { what: "leases end" };

/** What the database lacks, or a prepared statement that says something else. */
type Fault = { sql: string } | { statement: string; pattern: RegExp; wrong: string };

/** What is broken, and what happens then that shows it. */
const faults: Record<string, Fault & { steps: Step[] }> = {
  "the claim": {
    ...{
      statement: "lease-lanes",
      pattern: /due_at = now\(\) \+ (make_interval\([^)]*\))/,
      wrong: "due_at = now() + 0 * $1",
    },
    steps: [receive(0, 1), taken, claim(0), claim(1), deliver(0), deliver(1)],
  },
  "the fence": {
    ...{ statement: "record-attempts", pattern: byLease, wrong: "$1 true $2" },
    steps: [
      ...[receive(0, 1), taken, claim(0), deliver(0, "late"), leasesEnd, claim(1), deliver(1, "late")],
      { what: "answer", worker: 0 },
    ],
  },
  "the duplicate check": {
    sql: "drop index messages_provider_id",
    steps: [receive(0), taken, receive(0), taken],
  },
  "the counter": {
    ...{ statement: "record-attempts", pattern: /lanes\.counter <> input\.counter/, wrong: "false" },
    steps: [receive(0), taken, claim(0), receive(1), taken, deliver(0)],
  },
  "the hand-over, which takes what another one holds": {
    ...{
      statement: "enqueue-and-finish",
      pattern: /lease_token = case when lanes\.due_at is null then excluded\.lease_token else lanes\.lease_token end/,
      wrong: "lease_token = excluded.lease_token",
    },
    steps: [receive(0), takenBy(0), receive(1), takenBy(1), deliver(1), deliver(0)],
  },
  "the hand-over, which begins behind what it is to deliver": {
    ...{ statement: "enqueue-and-finish", pattern: /lanes\.counter \+ 1 else/, wrong: "lanes.counter + 2 else" },
    steps: [receive(0), takenBy(0), deliver(0), receive(1, 2), takenBy(0), deliver(0)],
  },
  "the look before a repeated post": {
    ...{ statement: "lease-lanes", pattern: /lanes\.lease_token is not null then/, wrong: "false then" },
    steps: [receive(0), taken, claim(0), deliver(0, "dies after"), leasesEnd, claim(1), deliver(1)],
  },
};

test("what is replayed while a lane is held hides nothing that was interrupted there", async () => {
  const database = await openMigrated(inject, 3);
  const steps = [receive(0, 1), taken, claim(0), deliver(0, "refused", "dies after"), { what: "replay" } as const];
  await run(database, steps).finally(() => database.close());
});

/** Each in a database of its own, whose connections prepare their statements anew. */
test.each(Object.entries(faults))("a bridge is found out that is broken in %s", async (_where, fault) => {
  const whole = await openMigrated(inject, 3);
  await run(whole, fault.steps).finally(() => whole.close());
  const planted = "sql" in fault ? undefined : plant(fault.statement, fault.pattern, fault.wrong);
  const broken = await openMigrated(inject, 3);
  try {
    if ("sql" in fault) await broken.db.execute(fault.sql);
    await expect(run(broken, fault.steps)).rejects.toThrow(Misdeed);
    expect(planted?.isInUse() ?? true).toBe(true);
  } finally {
    planted?.undo();
    await broken.close();
  }
});
