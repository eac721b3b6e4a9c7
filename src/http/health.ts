import { Router } from "express";
import { describeError, type Log } from "../log.ts";
import type { Database } from "../store/database.ts";
import { oldestWaitingSeconds } from "../store/deliveries.ts";

/**
 * `GET /livez` 200: the process answers. `GET /readyz` 200: the database answers and is migrated (the server listens
 * only then); `oldestWaitingSeconds` is the age of the oldest delivery that still waits. 503 when the database is away.
 */
export function healthRoutes({ database, log }: { database: Database; log: Log }): Router {
  const router = Router();
  router.get("/livez", (_req, res) => void res.json({ status: "ok" }));
  router.get("/readyz", async (_req, res) => {
    try {
      const waiting = await oldestWaitingSeconds(database.db);
      res.json({ status: "ok", database: "ok", migrations: "done", oldestWaitingSeconds: waiting ?? 0 });
    } catch (error) {
      log("error", "database.unreachable", describeError(error));
      res.status(503).json({ status: "unavailable", database: "unreachable" });
    }
  });
  return router;
}
