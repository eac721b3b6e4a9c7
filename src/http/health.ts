import { Router } from "express";
import { stuckSeconds } from "../concurrency/loop.ts";
import { share } from "../concurrency/share.ts";
import { Late, within } from "../concurrency/within.ts";
import { describeError, type Log } from "../log.ts";
import type { DatabaseWatch } from "../observe/watch-database.ts";
import { oldestWaitingSeconds } from "../store/deliveries.ts";
import { listFailingMailboxes } from "../store/mailboxes/mailboxes.ts";
import type { Database, Db } from "../store/postgres/database.ts";
import { type DatabaseTrouble, databaseTroubles, troubleOf } from "../store/postgres/database-errors.ts";
import { readBehindSeconds } from "../store/standing.ts";
import { findHold } from "../store/trouble/holds.ts";
import { listPausedLocations } from "../store/trouble/paused-locations.ts";
import { readWaiting } from "../store/trouble/waiting.ts";
import { type Caller, createFindCaller } from "./caller.ts";

export interface HealthContext {
  database: Database;
  databaseWatch: DatabaseWatch;
  log: Log;
  /** Of this process's worker; undefined where none runs. */
  secondsSinceTurn: () => number | undefined;
  adminApiKeys: string[];
  /** Does this process take webhooks and other requests? */
  takesRequests: boolean;
}

const maxLocations = 20;
/** Whoever asks gives up before a statement does. */
const maxSeconds = 4;

/**
 * `GET /livez` 200: the process answers.
 *
 * `GET /readyz` 200: the process can do its part. Taking webhooks takes the database, and no more: a worker that is
 * stuck, or a HighLevel that is away, must not keep providers out, because what is taken is kept. So they are told in the body alone:
 * - `worker`: `ok`; `stuck`, when this process's worker has not taken a turn for a minute; `elsewhere`, with RUN=web
 * - `notifications`: `polling`, where a pooler keeps this process from being told of what others have stored
 * - `behindSeconds`: how long the oldest work has waited that could be done at once. When it grows no worker runs, or too few
 * - `oldestWaitingSeconds`: the age of the oldest delivery that still waits, for whatever reason
 * - `sendsHeldSince`: while nothing goes out to people, by HOLD_SENDS or PUT /admin/hold
 * - `waiting`: for what they wait, whom they are to call, how many, and since when the oldest does
 * - `pausedLocations`: up to 20 to which nothing goes, with the reason, of those that the caller's key reaches: first those
 *   that do not go on by themselves. Without a key this is left out
 * - `failingMailboxes`: up to 20 accounts from whose mailbox nothing can be fetched, why and since when; with a key alone
 *
 * 503: the database is away or cannot be written to, of which `database` is the word and `detail` says more; or the worker of a process that does nothing else is stuck. To restart such a
 * process helps, and loses nothing.
 */
export function healthRoutes(context: HealthContext): Router {
  const { database, databaseWatch, log, secondsSinceTurn, takesRequests } = context;
  const findCaller = createFindCaller({ ...context, db: database.db });
  const router = Router();
  // Anybody may ask, as often as they like.
  const read = share(() => readState(database.db));
  router.get("/livez", (_req, res) => void res.json({ status: "ok" }));
  router.get("/readyz", async (req, res) => {
    const worker = describeWorker(secondsSinceTurn());
    const unavailable = (trouble: DatabaseTrouble) =>
      res.status(503).json({
        status: "unavailable",
        database: trouble,
        detail: `The database: ${databaseTroubles[trouble]}`,
        worker,
      });
    try {
      const trouble = await databaseWatch.trouble();
      if (trouble) {
        log("error", "database.failing", { database: trouble, advice: databaseTroubles[trouble] });
        return void unavailable(trouble);
      }
      const caller = await findCaller(req.headers.authorization);
      const state = { ...(await within(maxSeconds, read())), ...(caller && (await readTrouble(database.db, caller))) };
      const isReady = takesRequests || worker !== "stuck";
      const status = isReady ? "ok" : "unavailable";
      const pooled = database.isPooled ? { notifications: "polling" } : {};
      res.status(isReady ? 200 : 503).json({ status, database: "ok", migrations: "done", worker, ...pooled, ...state });
    } catch (error) {
      const trouble = error instanceof Late ? "slow" : troubleOf(error);
      log("error", "database.failing", { database: trouble, ...describeError(error) });
      unavailable(trouble);
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
    waiting: await readWaiting(db),
    sendsHeldSince: (await findHold(db))?.createdAt,
  };
}

async function readTrouble(db: Db, caller: Caller) {
  const paused = await listPausedLocations(db, maxLocations, caller);
  const failing = await listFailingMailboxes(db, maxLocations, caller);
  return {
    failingMailboxes: failing.map(({ accountId, reason, failingSince }) => ({
      accountId,
      reason,
      since: failingSince,
    })),
    pausedLocations: paused.map(({ id, pausedReason, pausedUntil }) => ({
      id,
      reason: pausedReason,
      until: pausedUntil,
    })),
  };
}
