import { join } from "node:path";
import { parseArgs } from "node:util";
import { exitOnSignals } from "../test/support/at-exit.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { type BenchOptions, type Lab, withLab } from "./lab.ts";
import { describeMachine } from "./machine.ts";
import { measureAcks } from "./measures/acks.ts";
import { measureCost } from "./measures/cost.ts";
import { measureEndToEnd } from "./measures/end-to-end.ts";
import { measureFlat } from "./measures/flat.ts";
import { measureImports } from "./measures/imports.ts";
import { measureKill } from "./measures/kill.ts";
import { measureLargeMails } from "./measures/large-mails.ts";
import { measureLatency } from "./measures/latency.ts";
import { measureMail } from "./measures/mail.ts";
import { measureMemory } from "./measures/memory.ts";
import { measureOutbox } from "./measures/outbox.ts";
import { measurePages } from "./measures/pages.ts";
import { measureStart } from "./measures/start.ts";
import { measureWatchers } from "./measures/watchers.ts";
import { projectRoot } from "./product.ts";
import { type Finding, printTable, type Report, summaryOf, writeReport } from "./report.ts";

type Measures = Record<string, (lab: Lab) => Promise<Finding>>;

/** The way of a message, which a whole run is about. */
const ofEachMessage: Measures = {
  acks: measureAcks,
  "end-to-end": measureEndToEnd,
  latency: measureLatency,
  cost: measureCost,
  outbox: measureOutbox,
  flat: measureFlat,
  memory: measureMemory,
  start: measureStart,
};
const others: Measures = {
  mail: measureMail,
  "large-mails": measureLargeMails,
  watchers: measureWatchers,
  pages: measurePages,
  imports: measureImports,
  kill: measureKill,
};
const measures: Measures = { ...ofEachMessage, ...others };

const usage = `npm run bench [-- options]   measures ${Object.keys(ofEachMessage).join(", ")}
  --only <name>        one measurement, or several, also of ${Object.keys(others).join(", ")}
  --quick              a tenth of the size, to see that it works: its numbers say little
  --set <NAME=value>   a setting of the bridge that differs from its default
  --source             the bridge from src, without a build
  --out <folder>       where the results go: bench/results`;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    set: { type: "string", multiple: true, default: [] },
    source: { type: "boolean", default: false },
    out: { type: "string", default: join(projectRoot, "bench/results") },
    help: { type: "boolean", default: false },
  },
});

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function run(): Promise<void> {
  const chosen = values.only ?? Object.keys(ofEachMessage);
  const unknown = chosen.filter((name) => !(name in measures));
  if (values.help || unknown.length > 0) return say(usage);
  const settings = Object.fromEntries(values.set.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  const options: BenchOptions = {
    isQuick: values.quick,
    isWhole: !values.only,
    product: values.source ? "src" : "dist",
    settings,
  };
  // biome-ignore lint/style/noProcessEnv: the same setting as that of the test command.
  const given = process.env.TEST_DATABASE_URL;
  const server = given ? { url: given, stop: async () => undefined } : await startPostgres({ durable: true });
  try {
    const machine = await describeMachine(server.url);
    say(
      `${machine.cpu}, ${machine.cores} cores, a flush takes ${machine.flushMs.toFixed(2)} ms, ${machine.postgresql}`,
    );
    if (machine.loadBefore > machine.cores / 4) {
      say(
        `The machine is busy with something else (load ${machine.loadBefore.toFixed(1)}): the numbers will be too low.`,
      );
    }
    const startedAt = new Date().toISOString();
    const findings: Finding[] = [];
    for (const name of chosen) {
      const measure = measures[name];
      const parts = { ...options, machine, say, serverUrl: server.url };
      if (measure) findings.push(await withLab(parts, measure).catch((error: unknown) => unmeasured(name, error)));
    }
    const part = values.only ? ["part", ...values.only] : [];
    const scope = [...(values.quick ? ["quick"] : []), ...part].join("-") || "whole";
    const report: Report = { startedAt, finishedAt: new Date().toISOString(), scope, settings, machine, findings };
    say(`\n${printTable(findings)}\n`);
    say(summaryOf(findings));
    say(`Written to ${writeReport(values.out, report)}.json and .md`);
  } finally {
    await server.stop();
  }
}

/** One that breaks does not take the others' results with it. */
function unmeasured(name: string, error: unknown): Finding {
  process.exitCode = 1;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`${name} broke off: ${text}`);
  const note = `broke off: ${text.split("\n")[0]}`;
  return { measure: name, rows: [{ what: name, unit: "", note }], details: { error: text } };
}

exitOnSignals();
await run();
