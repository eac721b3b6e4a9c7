import type { Config } from "../config.ts";
import { createTroubleWatch, type WatchContext } from "../events/watch-troubles.ts";
import type { Log } from "../log.ts";
import { createAttemptCounts } from "../observe/count-attempts.ts";
import { createLive } from "../observe/live/live.ts";
import { startObserving } from "../observe/start-observing.ts";
import type { Listeners } from "../registry/endpoints/listeners.ts";
import type { Database } from "../store/postgres/database.ts";

/** Who hears the lines of the log, and so what happens, before they are written. */
export async function startHearing(
  config: Config,
  plainLog: Log,
  parts: {
    database: Database;
    listeners: Listeners;
    looking: Pick<WatchContext, "pollSeconds" | "onWork">;
    secondsSinceTurn: () => number | undefined;
    standingSeconds: number;
  },
) {
  const { database, listeners, looking, ...rest } = parts;
  const { db } = database;
  const troubles = createTroubleWatch({ db, listeners, ...looking });
  const [live, counts] = [createLive(database.people), createAttemptCounts(db)];
  const observing = await startObserving(config, counts.hear(live.hear(troubles.hear(plainLog))), { db, ...rest });
  return { troubles, live, counts, observing };
}
