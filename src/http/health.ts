import { Router } from "express";
import { describeError, type Log } from "../log.ts";
import type { Database } from "../store/database.ts";
import { oldestWaitingSeconds } from "../store/deliveries.ts";
import { listNeedingReauthorization } from "../store/locations.ts";

const mostLocations = 20;

/**
 * `GET /livez` 200: the process answers. `GET /readyz` 200: the database answers and is migrated (the server listens
 * only then); `oldestWaitingSeconds` is the age of the oldest delivery that still waits, and
 * `needsReauthorization` names up to 20 locations that somebody must connect again. 503 when the database is away.
 */
export function healthRoutes({ database, log }: { database: Database; log: Log }): Router {
  const router = Router();
  router.get("/livez", (_req, res) => void res.json({ status: "ok" }));
  router.get("/readyz", async (_req, res) => {
    try {
      const waiting = await oldestWaitingSeconds(database.db);
      const needsReauthorization = await listNeedingReauthorization(database.db, mostLocations);
      const state = { status: "ok", database: "ok", migrations: "done" };
      res.json({ ...state, oldestWaitingSeconds: waiting ?? 0, needsReauthorization });
    } catch (error) {
      log("error", "database.unreachable", describeError(error));
      res.status(503).json({ status: "unavailable", database: "unreachable" });
    }
  });
  return router;
}
