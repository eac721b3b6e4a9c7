import { existsSync } from "node:fs";
import { loadEnvFile } from "node:process";
import { setFlagsFromString } from "node:v8";
import { readConfig } from "./config.ts";
import { ConfigError } from "./errors.ts";
import { createLog, describeError } from "./log.ts";
import { resealAll } from "./start-bridge/open-with-keys.ts";
import { startBridge } from "./start-bridge.ts";
import { createTrials } from "./start-trial.ts";

/**
 * How much garbage may lie beside what is in use before it is collected: half as much again. By itself node makes it several
 * times as much where the machine has much memory, and goes no faster for it.
 */
setFlagsFromString("--heap-growing-percent=50");

/** The process, or with the word `reseal` one that does that alone: settings from the environment and from .env, and a graceful stop on SIGTERM and SIGINT. */
async function main(): Promise<void> {
  if (existsSync(".env")) loadEnvFile(".env");
  // biome-ignore lint/style/noProcessEnv: the one place that reads the environment.
  const config = readConfig(process.env);
  if (process.argv[2] === "reseal") return resealAll(config);
  const log = createLog(config.logLevel);
  const trials = createTrials(config, log);
  const starting = startBridge(config, log, {}, { startTrial: trials.start });

  // From the start on: a signal that comes before the bridge has started stops it as soon as it has.
  let isStopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, async () => {
      if (isStopping) return;
      isStopping = true;
      log("info", "bridge.stopping", { signal });
      const bridge = await starting;
      Promise.all([bridge.stop(), trials.stop()]).then(
        () => process.exit(0),
        (error: unknown) => {
          log("error", "bridge.stop_failed", describeError(error));
          process.exit(1);
        },
      );
    });
  }
  const { ownKey, signInLink } = await starting;
  if (!ownKey) return;
  process.stdout.write("\nNeither PUBLIC_URL nor ADMIN_API_KEY is set: only this machine reaches the bridge.\n");
  process.stdout.write(`The console, for 15 minutes and once: ${await signInLink()}\n`);
  if (ownKey.isNew) process.stdout.write(`The key for the API, until you set ADMIN_API_KEY: ${ownKey.key}\n`);
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`The bridge cannot start.\n${text}\n`);
  process.exit(1);
});
