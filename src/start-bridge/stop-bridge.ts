import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { RefusalCounts } from "../inbox/refusals/count-refusals.ts";
import type { Log } from "../log.ts";
import type { Stalls } from "../observe/stalls.ts";
import type { Traces } from "../observe/trace.ts";
import type { Database } from "../store/postgres/database.ts";
import type { Worker } from "../worker.ts";

export async function stopBridge(parts: {
  threads: { stop(): Promise<void> }[];
  server: Server;
  worker: Worker;
  refusals: RefusalCounts;
  loops: { stop(): Promise<void> }[];
  database: Database;
  doors: { close(): void };
  traces: Traces | undefined;
  stalls: Stalls;
  log: Log;
  shutdownSeconds: number;
}): Promise<void> {
  const { threads, server, worker, refusals, loops, database, doors, traces, stalls, log, shutdownSeconds } = parts;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const outcome = await Promise.race([
    Promise.all([closed.then(refusals.stop), worker.stop(), ...loops.map((each) => each.stop())]).then(
      () => "finished",
    ),
    sleep(shutdownSeconds * 1000, "cut off", { ref: false }),
  ]);
  server.closeAllConnections();
  doors.close();
  stalls.stop();
  // A statement that never ends, or a collector that does not answer, must not keep the process from ending.
  await Promise.race([
    Promise.all([database.close(), traces?.stop(), ...threads.map((each) => each.stop())]),
    sleep(closeSeconds * 1000, undefined, { ref: false }),
  ]);
  log(outcome === "finished" ? "info" : "warn", "bridge.stopped", { outcome });
}

const closeSeconds = 5;
