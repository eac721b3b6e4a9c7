import { createDoors, type Doors } from "../calls/doors.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Traces } from "../observe/trace.ts";
import type { Tuning } from "./tuning.ts";

/** The ways out, with each call traced where traces are. */
export function createDoorsOf(
  config: Config,
  log: Log,
  traces: Traces | undefined,
  { mailCa }: Pick<Partial<Tuning>, "mailCa">,
): Doors {
  const { highlevelTimeoutSeconds: timeoutSeconds, deliveryConcurrency, allowedPrivateHosts, providersUrl } = config;
  const options = { timeoutSeconds, concurrency: deliveryConcurrency, log, allowedPrivateHosts, providersUrl, mailCa };
  return createDoors(options, traces?.traceCalls);
}
