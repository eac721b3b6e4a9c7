import { Router } from "express";
import { describeError, type Log } from "../log.ts";
import { share } from "../share.ts";
import type { Database, Db } from "../store/database.ts";
import { oldestWaitingSeconds } from "../store/deliveries.ts";
import { listNeedingReauthorization } from "../store/locations.ts";
import { readBehindSeconds } from "../store/watch.ts";

export interface HealthContext {
  database: Database;
  log: Log;
  /** Of this process's worker; undefined where none runs. */
  secondsSinceTurn: () => number | undefined;
  /** Does this process take webhooks and other requests? */
  takesRequests: boolean;
}

const mostLocations = 20;
/** The longest that a turn may take: some statements, each within its timeout. */
const stuckSeconds = 60;

/**
 * `GET /livez` 200: the process answers.
 *
 * `GET /readyz` 200: the process can do its part. Taking webhooks takes the database, and no more: a worker that is
 * stuck, or a HighLevel that is away, must not keep providers out, because what is taken is kept. So they are told in the body alone:
 * - `worker`: `ok`; `stuck`, when this process's worker has not taken a turn for a minute; `elsewhere`, with RUN=web
 * - `behindSeconds`: how long the oldest work has waited that could be done at once. When it grows no worker runs, or too few
 * - `oldestWaitingSeconds`: the age of the oldest delivery that still waits, for whatever reason
 * - `needsReauthorization`: up to 20 locations that somebody must connect again
 *
 * 503: the database is away, or the worker of a process that does nothing else is stuck. To start such a process anew
 * helps, and loses nothing.
 */
export function healthRoutes({ database, log, secondsSinceTurn, takesRequests }: HealthContext): Router {
  const router = Router();
  // Anybody may ask, as often as they like.
  const read = share(() => readState(database.db));
  router.get("/livez", (_req, res) => void res.json({ status: "ok" }));
  router.get("/readyz", async (_req, res) => {
    const worker = describeWorker(secondsSinceTurn());
    try {
      const state = await read();
      const isReady = takesRequests || worker !== "stuck";
      const status = isReady ? "ok" : "unavailable";
      res.status(isReady ? 200 : 503).json({ status, database: "ok", migrations: "done", worker, ...state });
    } catch (error) {
      log("error", "database.unreachable", describeError(error));
      res.status(503).json({ status: "unavailable", database: "unreachable", worker });
    }
  });
  return router;
}

function describeWorker(secondsSinceTurn: number | undefined): "ok" | "stuck" | "elsewhere" {
  if (secondsSinceTurn === undefined) return "elsewhere";
  return secondsSinceTurn > stuckSeconds ? "stuck" : "ok";
}

async function readState(db: Db) {
  return {
    behindSeconds: await readBehindSeconds(db),
    oldestWaitingSeconds: (await oldestWaitingSeconds(db)) ?? 0,
    needsReauthorization: await listNeedingReauthorization(db, mostLocations),
  };
}
