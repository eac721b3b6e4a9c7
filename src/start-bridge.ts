import { hkdfSync } from "node:crypto";
import { keepWatchingDefaults } from "./checks/watch-defaults.ts";
import type { Config } from "./config.ts";
import { consoleRoutes } from "./console/console-routes.ts";
import type { TrialContext } from "./http/admin/operator/trial.ts";
import { createApp, createWorkerApp } from "./http/app.ts";
import { createLimitedServer } from "./http/limits.ts";
import { makeSignInLink } from "./http/sessions/sessions.ts";
import type { Log } from "./log.ts";
import type { Queue } from "./model.ts";
import { createAccounts } from "./registry/accounts.ts";
import { createEndpoints } from "./registry/endpoints/endpoint-target.ts";
import { createListeners } from "./registry/endpoints/listeners.ts";
import { startLearning } from "./registry/learn-providers.ts";
import { createMappings } from "./registry/mappings.ts";
import { resealStep } from "./registry/sealed/reseal.ts";
import { createConnecting } from "./start-bridge/create-connecting.ts";
import { createDelivering } from "./start-bridge/create-delivering.ts";
import { createDoorsOf } from "./start-bridge/create-doors.ts";
import { createIntake } from "./start-bridge/create-intake.ts";
import { listen } from "./start-bridge/listen.ts";
import { openAccess } from "./start-bridge/open-access.ts";
import { findKeys, openWithKeys } from "./start-bridge/open-with-keys.ts";
import { startHearing } from "./start-bridge/start-hearing.ts";
import { startMailboxes } from "./start-bridge/start-mailboxes.ts";
import { startWork } from "./start-bridge/start-work.ts";
import { stopBridge } from "./start-bridge/stop-bridge.ts";
import type { Tuning } from "./start-bridge/tuning.ts";
import { warn } from "./start-bridge/warn.ts";
import { holdSends } from "./store/trouble/holds.ts";

export interface Bridge {
  /** Where the server listens on this machine. */
  url: string;
  /** Stops accepting, finishes what is under way within the set time, closes the database. */
  stop(): Promise<void>;
  /** A link that signs in at the console, once and within a quarter of an hour. */
  signInLink(): Promise<string>;
  /** Where no ADMIN_API_KEY is set the one that was made; `isNew` until something was done with it. */
  ownKey: { key: string; isNew: boolean } | undefined;
}

/** Wires everything together; resolves once the database is migrated, the server listens and the worker runs. */
export async function startBridge(
  config: Config,
  plainLog: Log,
  tuning: Partial<Tuning> = {},
  trial: TrialContext = {},
): Promise<Bridge> {
  const { pollSeconds = 1, firstDelaySeconds = 2, databaseStartSeconds = 30, visibleAfterSeconds = 5 } = tuning;
  const { database, keys, ...secrets } = await openWithKeys(config, databaseStartSeconds);
  const { db } = database;
  const { sealer } = secrets;
  if (config.holdSends) await holdSends(db, "HOLD_SENDS");
  const secondsSinceTurn = () => worker.secondsSinceTurn();
  const listeners = createListeners(db);
  await listeners.learn();
  const looking = { pollSeconds: pollSeconds * 5, onWork: (queue: Queue) => worker.wake(queue) };
  const hearing = { database, listeners, looking, secondsSinceTurn, standingSeconds: tuning.standingSeconds ?? 5 };
  const { troubles, live, counts, observing } = await startHearing(config, plainLog, hearing);
  const { log, traces, stalls } = observing;
  const learning = await startLearning({ db, log });
  const [accounts, mappings] = [createAccounts({ db, sealer }), createMappings({ db, sealer })];
  const doors = createDoorsOf(config, log, traces, tuning);
  const access = await openAccess(config, { db, sealer, log, doors });
  const endpoints = createEndpoints({ db, sealer });
  const core = { db, log, ...secrets, accounts, mappings, ...access, listeners, endpoints, during: stalls.during };
  const times = { pollSeconds, firstDelaySeconds, visibleAfterSeconds };
  const apart = database.people === db ? undefined : database.people;
  const delivering = createDelivering(config, { ...core, ...times, apart, doors, traceAttempt: traces?.traceAttempt });
  const { reading, plainText } = delivering;
  const reseal = () => resealStep({ db, sealer });
  const worker = startWork(
    config,
    { ...delivering, reseal, live, counts },
    { pollSeconds, isPooled: database.isPooled },
  );
  const mailboxes = startMailboxes(config, { ...core, pollSeconds, doors, worker });
  const loops = [live, learning, troubles.start(log), ...mailboxes];
  if (config.run !== "web") loops.push(keepWatchingDefaults(delivering));
  const { publicUrl, bodyLimitBytes, metricsTokens, allowedPrivateHosts } = config;
  const { ownKey, adminApiKeys } = await findKeys(config, database, keys);
  const context = {
    ...{ ...core, callEndpoint: doors.callEndpoint, allowedPrivateHosts },
    ...{ ...observing, database, people: database.people },
    ...{ reading, keyIds: sealer.keyIds, settings: config.shown },
    ...createIntake(config, { db, log, onStored: worker.wake, doors }, tuning),
    ...{ publicUrl, bodyLimitBytes, adminApiKeys, metricsTokens, live, appOrigins: config.appOrigins },
    callsPerDay: config.highlevelRequests.perDay,
    onWork: worker.wake,
    delivering,
    secondsSinceTurn,
    takesRequests: config.run !== "worker",
    ...trial,
    ...createConnecting(config, { ...delivering, ...access, sealer, doors, database, onWork: worker.wake }),
    stateKey: Buffer.from(hkdfSync("sha256", keys[0] ?? "", "", "oauth state", 32)),
  };
  const app =
    config.run === "worker" ? createWorkerApp(context) : createApp({ ...context, pages: consoleRoutes(context) });
  const server = createLimitedServer(app, config.incoming);
  const stop = () =>
    stopBridge({
      ...{ server, worker, refusals: context.refusals, loops, threads: [reading, plainText], database },
      ...{ doors, traces, stalls, log, shutdownSeconds: config.shutdownSeconds },
    });
  try {
    const url = await listen(server, config);
    await warn(database, log);
    log("info", "bridge.started", { url, database: "url" in config.database ? "postgresql" : "embedded" });
    return { url, stop, ownKey, signInLink: () => makeSignInLink({ db, adminApiKeys, publicUrl }) };
  } catch (error) {
    await stop();
    throw error;
  }
}
