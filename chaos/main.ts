import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { exitOnSignals } from "../test/support/at-exit.ts";
import { compileBridge, removeBridge } from "../test/support/build.ts";
import { someProviders } from "../test/support/load.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { buildEarlier, buildForChaos } from "./build.ts";
import { runAll } from "./run-all.ts";
import { isFaultless, type Result } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { complaints, table } from "./table.ts";
import { upgrades } from "./upgrades.ts";
import { firstDelaySeconds } from "./world.ts";

const usage = `npm run chaos -- [--only <name>,…] [--processes 1,3] [--seed <number>] [--jobs <number>] [--pace <factor>] [--list]
npm run chaos -- --from <commit>   tries the version of that commit beside this one`;
const say = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    processes: { type: "string", default: "1,3" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
    jobs: { type: "string", default: "3" },
    from: { type: "string" },
    pace: { type: "string", default: "1" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Of one attempt; the bridge's default is 30 s. */
const attemptSeconds = 4;

exitOnSignals();
if (values.help) say(usage);
else if (values.list) for (const { name, about } of scenarios) say(`${name.padEnd(20)} ${about}`);
else process.exitCode = await run(choose(values.only));

function choose(only: string | undefined): Scenario[] {
  if (values.from !== undefined) return upgrades;
  if (only === undefined) return scenarios;
  return only.split(",").map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (!found) throw new Error(`there is no scenario ${name}: npm run chaos -- --list`);
    return found;
  });
}

async function run(chosen: Scenario[]): Promise<number> {
  const seed = Number(values.seed);
  say(`Chaos with seed ${seed} on ${cpus().length} cores; PostgreSQL with fsync on.`);
  const able = chosen.filter((scenario) => {
    const reason = scenario.skipBecause?.();
    if (reason) say(`${scenario.name}: skipped, ${reason}`);
    return !reason;
  });
  const started = performance.now();
  const compiled = compileBridge();
  const program = buildForChaos(compiled);
  const earlier = values.from === undefined ? undefined : buildEarlier(values.from);
  const postgres = await startPostgres({ durable: true });
  const results = await runAll({
    scenarios: able,
    processes: earlier ? [2] : values.processes.split(",").map(Number),
    seed,
    pace: Number(values.pace),
    attemptSeconds,
    pauseMs: 300,
    jobs: Number(values.jobs),
    people: Math.ceil(16 / someProviders.length),
    // A burst is a backlog, but none that a slow machine could never work off.
    mostAhead: 25,
    program,
    earlier,
    keepsEvidence: true,
    postgres,
    onResult: report,
  });
  await postgres.stop();
  removeBridge(program);
  removeBridge(compiled);
  say(`\n${table(results)}\n`);
  say(
    `Scaled: attempts take ${attemptSeconds} s at most and leases ${attemptSeconds + 5} s, where the defaults are 30 s and 35 s; ` +
      `retries begin at ${firstDelaySeconds} s for 2 s.`,
  );
  for (const { name, scaled } of able) if (scaled) say(`${name}: ${scaled.words}.`);
  const failed = results.filter((result) => !isFaultless(result));
  const total = results.reduce((sum, { messages }) => sum + messages, 0);
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  say(
    `${results.length - failed.length} of ${results.length} runs without a fault, ${total} messages, ${minutes} minutes.`,
  );
  if (failed.length > 0) say(`Again with: npm run chaos -- --seed ${seed} --only ${failed.map(({ name }) => name)}`);
  return failed.length > 0 ? 1 : 0;
}

function report(result: Result): void {
  const { name, processes, messages, seconds } = result;
  say(`${name} with ${processes}: ${isFaultless(result) ? "ok" : "FAILED"}, ${messages} messages in ${seconds} s`);
  for (const complaint of complaints(result)) say(`  ${complaint}`);
}
