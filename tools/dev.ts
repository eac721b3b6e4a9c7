import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type RunBridge, setStage } from "../demo/stage.ts";
import { startPostgres } from "../test/support/postgres.ts";

const { values } = parseArgs({ options: { set: { type: "string", multiple: true, default: [] } } });
const chosen = Object.fromEntries(values.set.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
const say = (text: string) => void process.stdout.write(`${text}\n`);

/**
 * The bridge from src, started again at each change there, while what stands around it stays as it is: the sandbox with its
 * inbox, the providers' stand-ins, and a PostgreSQL of its own, on which a start takes a third of the time that it takes on
 * the embedded database. Settings are `--set NAME=value`; the file .env is not read.
 */
const postgres = await startPostgres();
const runFromSource: RunBridge = async (settings) => {
  const tsx = createRequire(import.meta.url).resolve("tsx/cli");
  const main = join(import.meta.dirname, "../src/main.ts");
  const tsconfig = join(import.meta.dirname, "../tsconfig.json");
  const child = spawn(process.execPath, [tsx, "watch", "--clear-screen=false", "--tsconfig", tsconfig, main], {
    cwd: tmpdir(),
    env: {
      PATH: "/usr/bin:/bin",
      ...settings,
      ...{ DATABASE_URL: postgres.url, ENCRYPTION_KEYS: randomBytes(32).toString("base64") },
      // Nothing waits for the end of what a restart cuts off.
      ...{ LOG_LEVEL: "warn", SHUTDOWN_SECONDS: "1", ...chosen },
    },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const exited = once(child, "exit");
  const isUp = () =>
    fetch(`${settings["PUBLIC_URL"]}/livez`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`the bridge ended with ${child.exitCode}`);
    await sleep(100);
  }
  return {
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
};

const stage = await setStage(
  {
    waitMs: () => 500,
    notice: (provider, { to }, status) => say(`${provider} ${status ?? "took a message"} · to ${to.join(", ")}`),
  },
  runFromSource,
);
const admin = stage.keepForCurl("admin.curl", [`header = "${stage.adminHeader}"`]);
const samples = stage.ways.map(({ provider, webhookUrl }) => `npm run send-sample -- ${provider} --to ${webhookUrl}`);
say(`
The bridge runs from src at ${stage.bridgeUrl}, and starts again at each change there. Ctrl+C ends it.
  the inbox        ${stage.sandboxUrl}/  (answer there: it goes out, and its status ticks)
  the admin route  curl -K ${admin} ${stage.bridgeUrl}/admin/messages
  the database     ${postgres.url}
  a sample         ${samples.join("\n                   ")}
  other samples    npm run send-sample -- <provider> --list
After a change of src/sandbox or of the stand-ins, end it and start it again.
`);

let isStopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, async () => {
    if (isStopping) return;
    isStopping = true;
    await stage.stop();
    await postgres.stop();
    process.exit(0);
  });
}
