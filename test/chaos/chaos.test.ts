import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { buildForChaos, type Patch, patchBridge } from "../../chaos/build.ts";
import { runAll } from "../../chaos/run-all.ts";
import type { Result } from "../../chaos/run-scenario.ts";
import type { Scenario } from "../../chaos/scenario.ts";
import { scenarios } from "../../chaos/scenarios.ts";
import { complaints, table } from "../../chaos/table.ts";
import type { Fault } from "../../src/sandbox/faults.ts";
import { type Program, removeBridge } from "../support/build.ts";
import { until } from "../support/until.ts";

/** The short form of `npm run chaos`, and the proof that it can fail. */
const seed = 20_261_121;
const programs: Program[] = [];
let sound: Program;
beforeAll(() => {
  sound = keep(buildForChaos(inject("program")));
});
afterAll(() => {
  for (const each of programs) removeBridge(each);
});

function keep(program: Program): Program {
  programs.push(program);
  return program;
}

/** Attempts may take so long that a busy machine's slowness is not taken for HighLevel's silence, but where silence is the matter. */
const [patient, brisk] = [15, 4];

async function run(
  chosen: Scenario[],
  processes: number,
  program: Program,
  { attemptSeconds = patient, isSound = true, isLoadAlone = true } = {},
): Promise<Result[]> {
  const postgres = { url: inject("postgresUrl") };
  const shared = { scenarios: chosen, processes: [processes], program, postgres, attemptSeconds };
  // What a broken one loses nobody would wait for in vain.
  const kept = { keepsEvidence: isSound, isLoadAlone, ...(isSound ? { mostAhead: 4 } : { drainSeconds: 30 }) };
  return runAll({ ...shared, ...kept, seed, people: 1, pauseMs: 700, pace: 0.4, jobs: chosen.length });
}

const named = (names: string[]) => scenarios.filter(({ name }) => names.includes(name));

const inbound = "/conversations/messages/inbound";
/** Half of the first posts go wrong in this way, however fast or slow the machine is. */
const halfGoesWrong = (kind: Fault["kind"]): Scenario => ({
  name: kind,
  about: "for the test alone",
  async disturb({ sandbox }) {
    sandbox.setFaults([{ kind, rate: 0.5, path: inbound }]);
    await until(
      () => sandbox.callCount(inbound),
      (calls) => calls >= 20,
      240,
    );
    sandbox.setFaults([]);
  },
});

describe.concurrent("under faults and load, each message is there once and in order", () => {
  test.each([
    [1, brisk, ["no-answer"], "alone"],
    [3, patient, ["cut-connections"], "alone"],
    [3, patient, ["lost-commit"], "with an import, an agent and an endpoint beside it"],
  ])(
    "with %i processes and attempts of %i s: %j %s",
    { timeout: 900_000 },
    async (processes, attemptSeconds, names, beside) => {
      const results = await run(named(names), processes, sound, { attemptSeconds, isLoadAlone: beside === "alone" });
      expect(results).toHaveLength(names.length);
      expect(results.map((result) => [result.name, complaints(result)])).toEqual(results.map(({ name }) => [name, []]));
    },
  );
});

describe.concurrent("a bridge that was broken on purpose is seen to fail", () => {
  const sabotage: [string, Fault["kind"], keyof Result["verdict"], Patch][] = [
    [
      "posts again without looking",
      "half-answer",
      "doubled",
      {
        file: "dist/modules/outbox/post-inbound.js",
        find: "if (!conversationId)",
        replace: "if (Date.now())",
      },
    ],
    [
      "gives up at the first sign of trouble",
      "status",
      "missing",
      {
        file: "dist/modules/outbox/retry.js",
        find: 'unavailable: { follows: "retry"',
        replace: 'unavailable: { follows: "dead"',
      },
    ],
    [
      "gives messages another altId",
      "bad-json",
      "invented",
      {
        file: "dist/modules/messages/compose-inbound.js",
        find: "{ altId: message.providerMessageId }",
        replace: '{ altId: "x-".concat(message.providerMessageId) }',
      },
    ],
  ];
  test.each(sabotage)("one that %s", { timeout: 900_000 }, async (_what, kind, defect, patch) => {
    const [result] = await run([halfGoesWrong(kind)], 1, keep(patchBridge(sound, patch)), { isSound: false });
    expect(result?.verdict[defect].length).toBeGreaterThan(0);
    expect(result && table([result])).toContain("FAILED");
  });

  test("and a patch that no longer fits the source is an error, not a sound bridge", () => {
    const patch = { file: "dist/modules/main.js", find: "this is nowhere", replace: "" };
    expect(() => patchBridge(sound, patch)).toThrow("dist/modules/main.js has no this is nowhere any more");
  });
});
