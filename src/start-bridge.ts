import { hkdfSync } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createAccessTokens } from "./access/access-tokens.ts";
import { createBudget } from "./access/budget.ts";
import { applyInstallEvent, type Connection, createInstaller, type InstallContext } from "./access/install.ts";
import { createMarketplaceApp, type MarketplaceApp, resumeLocations } from "./access/marketplace-app.ts";
import { createDoors, type Doors } from "./calls/doors.ts";
import { type ChecksContext, createChecks } from "./checks/checks.ts";
import { createConfirm } from "./checks/confirm-subscription.ts";
import { keepWatchingDefaults } from "./checks/watch-defaults.ts";
import type { Config } from "./config.ts";
import { consoleRoutes } from "./console/console-routes.ts";
import { ConfigError } from "./errors.ts";
import { createTroubleWatch, type WatchContext } from "./events/watch-troubles.ts";
import { createHighlevel } from "./highlevel/client.ts";
import { createOauthClient } from "./highlevel/oauth.ts";
import type { TrialContext } from "./http/admin/operator/trial.ts";
import { createApp, createWorkerApp } from "./http/app.ts";
import { createBodyMemory } from "./http/body-memory.ts";
import { createLimitedServer, createWebhookLimit } from "./http/limits.ts";
import { makeSignInLink } from "./http/sessions/sessions.ts";
import { keepMailboxes, type MailboxesContext } from "./inbox/mailboxes/keep-mailboxes.ts";
import type { ProcessContext } from "./inbox/process-webhooks.ts";
import { createReceiver } from "./inbox/receive-webhook.ts";
import { createRefusalCounts, type RefusalCounts } from "./inbox/refusals/count-refusals.ts";
import { createExplanations } from "./inbox/refusals/explain-refusal.ts";
import type { Log } from "./log.ts";
import { createPlainText, type PlainText } from "./messages/plain-text.ts";
import type { Queue, Wake } from "./model.ts";
import { type AttemptCounts, createAttemptCounts } from "./observe/count-attempts.ts";
import { createLive, type Live } from "./observe/live/live.ts";
import type { Stalls } from "./observe/stalls.ts";
import { startObserving } from "./observe/start-observing.ts";
import type { Traces } from "./observe/trace.ts";
import type { DeliverContext } from "./outbox/attempt-delivery.ts";
import { createFetchCertificate } from "./providers/fetch-certificate.ts";
import type { FetchCertificate } from "./providers/kit/proofs.ts";
import { createReading, type Reading } from "./providers/reading.ts";
import { createAccounts } from "./registry/accounts.ts";
import { createEndpoints } from "./registry/endpoints/endpoint-target.ts";
import { createListeners, type Listeners } from "./registry/endpoints/listeners.ts";
import { createKnownIds } from "./registry/known-ids.ts";
import { startLearning } from "./registry/learn-providers.ts";
import { createMappings } from "./registry/mappings.ts";
import { declareFiles } from "./registry/provider-files.ts";
import { requireKeys, resealStep } from "./registry/reseal.ts";
import { createSealer } from "./secrets/seal.ts";
import { createRecorder } from "./store/attempts.ts";
import { listAudit } from "./store/operate/audit.ts";
import { readOrCreateEncryptionKey } from "./store/postgres/data-dir.ts";
import type { Database } from "./store/postgres/database.ts";
import { createNotifier } from "./store/postgres/notify.ts";
import { openDatabase } from "./store/postgres/open-database.ts";
import { findHold, holdSends } from "./store/trouble/holds.ts";
import { queues, startWorker, type Worker, type WorkerOptions } from "./worker.ts";

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

/** What only tests and benchmarks set. */
export interface Tuning {
  pollSeconds: number;
  /** The ceiling of the first retry's delay. */
  firstDelaySeconds: number;
  databaseStartSeconds: number;
  /** How long HighLevel's status calls do not know a message yet that it had us send. */
  visibleAfterSeconds: number;
  /** Instead of the way to the hosts where certificates are. */
  fetchCertificate: FetchCertificate;
  /** How old what metrics tell of the database may be. */
  standingSeconds: number;
  /** A certificate that servers of mail may be signed by. */
  mailCa: string;
}

/** Seals anew all that an earlier key has sealed, for `npm run reseal`. */
export async function resealAll(config: Config): Promise<void> {
  const { database, sealer } = await openWithKeys(config, 30);
  try {
    while (await resealStep({ db: database.db, sealer }));
  } finally {
    await database.close();
  }
}

/**
 * The database, once it is certain that these keys open all that is sealed in it. Documents that nobody can take stop the
 * start before anything is opened.
 */
async function openWithKeys(config: Config, startSeconds: number) {
  if (config.providersDir !== undefined) await declareFiles(config.providersDir);
  const database = await openDatabase(
    "url" in config.database ? { ...config.database, startSeconds } : config.database,
  );
  try {
    const keys = encryptionKeys(config);
    const sealer = createSealer(keys);
    await requireKeys({ db: database.db, sealer });
    return { database, keys, sealer };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Wires everything together; resolves once the database is migrated, the server listens and the worker runs. */
export async function startBridge(
  config: Config,
  plainLog: Log,
  tuning: Partial<Tuning> = {},
  trial: TrialContext = {},
): Promise<Bridge> {
  const { pollSeconds = 1, firstDelaySeconds = 2, databaseStartSeconds = 30, visibleAfterSeconds = 5 } = tuning;
  const { database, keys, sealer } = await openWithKeys(config, databaseStartSeconds);
  const { db } = database;
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
  const core = { pollSeconds, db, log, accounts, mappings, ...access, listeners, endpoints, during: stalls.during };
  const times = { firstDelaySeconds, visibleAfterSeconds };
  const apart = database.people === db ? undefined : database.people;
  const delivering = createDelivering(config, { ...core, ...times, apart, doors, traceAttempt: traces?.traceAttempt });
  const { reading, plainText } = delivering;
  const reseal = () => resealStep({ db, sealer });
  const worker = startWork(
    config,
    { ...delivering, reseal, live, counts },
    { pollSeconds, isPooled: database.isPooled },
  );
  const loops = [live, learning, troubles.start(log), ...startMailboxes(config, { ...core, doors, worker })];
  if (config.run !== "web") loops.push(keepWatchingDefaults(delivering));
  const { publicUrl, bodyLimitBytes, metricsTokens, allowedPrivateHosts } = config;
  const { ownKey, adminApiKeys } = await findKeys(config, database, keys);
  const context = {
    ...{ ...core, callEndpoint: doors.callEndpoint, allowedPrivateHosts },
    ...{ ...observing, database, people: database.people },
    ...{ sealer, reading, keyIds: sealer.keyIds, settings: config.shown },
    ...createIntake(config, { db, log, onStored: worker.wake, doors }, tuning),
    ...{ publicUrl, bodyLimitBytes, adminApiKeys, metricsTokens, live, appOrigins: config.appOrigins },
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

type Access = Awaited<ReturnType<typeof openAccess>>;

/** What calls HighLevel are made with: the marketplace app, and the locations' tokens. */
async function openAccess(config: Config, { doors, ...parts }: Omit<InstallContext, "oauth"> & { doors: Doors }) {
  const marketplaceApp = createMarketplaceApp({ ...parts, given: config.oauth });
  const findOauth = async () => {
    const app = await marketplaceApp.find();
    if (!app) return undefined;
    const client = createOauthClient({ ...app, callApi: doors.callApi, baseUrl: config.highlevelUrl });
    return { ...client, isOutdated: () => marketplaceApp.isOutdated(app) };
  };
  const renewal = { findOauth, log: parts.log, connections: renewalConnections(config) };
  if (await marketplaceApp.find()) await resumeLocations(parts);
  return { marketplaceApp, findOauth, accessTokens: createAccessTokens({ ...parts, renewal }) };
}

/** Who hears the lines of the log, and so what happens, before they are written. */
async function startHearing(
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

/** Where none is set, one that is made of the key that seals, and so lies nowhere. */
async function findKeys({ adminApiKeys }: Config, { people }: Database, [first]: Buffer[]) {
  if (adminApiKeys.length > 0) return { adminApiKeys, ownKey: undefined };
  if (!first) throw new ConfigError("ADMIN_API_KEY is not set");
  const key = Buffer.from(hkdfSync("sha256", first, "", "admin api key", 32)).toString("base64url");
  const { rows } = await listAudit(people, { limit: 1 });
  return { adminApiKeys: [key], ownKey: { key, isNew: rows.length === 0 } };
}

/** What an operator may not expect. */
async function warn({ db, isPooled }: Database, log: Log): Promise<void> {
  const hold = await findHold(db);
  if (hold) log("warn", "sends.held", { since: hold.createdAt, startedBy: hold.startedBy, advice: heldAdvice });
  if (isPooled) log("warn", "database.pooled", { advice: pooledAdvice });
}

const heldAdvice =
  "nothing goes out to people: DELETE /admin/hold ends it, and HOLD_SENDS must be unset before the next start";
const pooledAdvice =
  "a pooler in transaction mode stands before PostgreSQL: this process looks for work once in a second instead of being told, and each statement is planned anew. Where it can be had, give DATABASE_URL the database's own address";

/** Others must do what a process without a worker takes in; they may help one that has begun with it. */
const gapMs = { web: 10, worker: 100, all: 100 };

/** The worker, unless that is another process's part, and word to and from the other processes on the same database. */
function startWork(
  config: Config,
  context: DeliverContext & ProcessContext & Pick<WorkerOptions, "reseal"> & { live: Live; counts: AttemptCounts },
  { pollSeconds, isPooled }: { pollSeconds: number; isPooled: boolean },
): Worker {
  const { db, log, reseal, live, counts } = context;
  const { database, run, deliveryConcurrency, retentionDays, deadRetentionDays } = config;
  const onTold = (topic: string | undefined, words: string) => {
    for (const each of queues) if (topic === undefined || topic === each) worker?.wake(each);
    live.onSaid(topic, words);
  };
  const listening = { minGapMs: isPooled ? gapMs.web : gapMs[run], onTold: isPooled ? undefined : onTold };
  const notifier = "url" in database ? createNotifier({ db, log, url: database.url, ...listening }) : undefined;
  if (notifier) live.speakBy(notifier.say);
  const onDue = () => notifier?.tell("deliveries");
  const worker =
    run === "web"
      ? undefined
      : startWorker(context, {
          ...{ deliveryConcurrency, retentionDays, deadRetentionDays, pollSeconds, onDue, reseal },
          perDay: config.highlevelRequests.perDay,
        });
  return {
    wake(queue) {
      worker?.wake(queue);
      notifier?.tell(queue);
    },
    secondsSinceTurn: () => worker?.secondsSinceTurn(),
    stop: async () => {
      await Promise.all([notifier?.close(), worker?.stop()]);
      await counts.stop();
    },
  };
}

/** Mail is fetched where workers run. Stand-ins have no mailboxes. */
function startMailboxes(
  config: Config,
  parts: Pick<MailboxesContext, "db" | "log" | "accounts"> & { doors: Doors; worker: Worker; pollSeconds: number },
): { stop(): Promise<void> }[] {
  const { db, log, accounts, doors, worker, pollSeconds } = parts;
  const { openMailbox } = doors;
  if (config.run === "web" || !openMailbox) return [];
  const times = { pollSeconds: pollSeconds * 5, waitSeconds: pollSeconds * 60 };
  const { publicUrl, bodyLimitBytes } = config;
  return [
    keepMailboxes({
      ...{ db, log, accounts },
      ...times,
      openMailbox,
      publicUrl,
      maxBytes: bodyLimitBytes.email,
      onWork: worker.wake,
    }),
  ];
}

/** What webhooks come in through. */
function createIntake(
  config: Config,
  { doors, ...parts }: Pick<Parameters<typeof createReceiver>[0], "db" | "log" | "onStored"> & { doors: Doors },
  { fetchCertificate = createFetchCertificate(doors.fetchMedia) }: Partial<Tuning>,
) {
  const { bodyMemoryBytes: large, highlevelKeys, incoming } = config;
  return {
    fetchCertificate,
    receiver: createReceiver({ ...parts, highlevelKeys, fetchCertificate }),
    confirm: createConfirm(parts.log, doors.callProvider),
    explainRefusal: createExplanations(fetchCertificate),
    refusals: createRefusalCounts(parts),
    isKnownId: createKnownIds(parts.db),
    webhookLimit: createWebhookLimit(incoming.webhooksPerMinute),
    bodyMemory: createBodyMemory({ small: large / 4, large }),
  };
}

/** What processing and delivering work with. */
function createDelivering(
  config: Config,
  parts: Pick<DeliverContext, "db" | "log" | "accounts" | "mappings" | "listeners" | "endpoints" | "accessTokens"> &
    Pick<DeliverContext, "visibleAfterSeconds" | "traceAttempt"> &
    Pick<ProcessContext, "apart" | "during"> &
    Pick<Tuning, "firstDelaySeconds"> & { doors: Doors; marketplaceApp: MarketplaceApp },
): DeliverContext & ProcessContext & { reading: Reading; plainText: PlainText } {
  const { doors, firstDelaySeconds, marketplaceApp, ...rest } = parts;
  const { publicUrl, attachmentLimitBytes, emailAttachmentsLimitBytes, retryHours, sendRetryHours } = config;
  const { highlevelRequests } = config;
  return {
    ...rest,
    highlevel: createHighlevel({
      callApi: doors.callApi,
      baseUrl: config.highlevelUrl,
      limit: highlevelRequests.per10Seconds > 0 ? createBudget({ db: parts.db, ...highlevelRequests }) : undefined,
    }),
    reading: createReading(),
    plainText: createPlainText(),
    callProvider: doors.callProvider,
    callEndpoint: doors.callEndpoint,
    fetchMedia: doors.fetchMedia,
    fetchWhole: doors.fetchWhole,
    fetchPublic: doors.fetchPublic,
    publicUrl,
    attachmentLimitBytes,
    emailAttachmentsLimitBytes,
    mailLimitBytes: config.bodyLimitBytes.email,
    attemptSeconds: config.highlevelTimeoutSeconds,
    record: createRecorder(rest.db),
    retry: { retryHours, sendRetryHours, firstDelaySeconds, random: Math.random },
    applyInstall: async (tx, event, at) =>
      applyInstallEvent(tx, event, { clientId: await marketplaceApp.findClientId(tx), at }),
  };
}

/** The ways out, with each call traced where traces are. */
function createDoorsOf(
  config: Config,
  log: Log,
  traces: Traces | undefined,
  { mailCa }: Pick<Partial<Tuning>, "mailCa">,
): Doors {
  const { highlevelTimeoutSeconds: timeoutSeconds, deliveryConcurrency, allowedPrivateHosts, providersUrl } = config;
  const options = { timeoutSeconds, concurrency: deliveryConcurrency, log, allowedPrivateHosts, providersUrl, mailCa };
  return createDoors(options, traces?.traceCalls);
}

/** A renewal holds a connection while HighLevel answers: most of them are for everything else. */
function renewalConnections({ database }: Config): number {
  return "poolSize" in database ? Math.ceil(database.poolSize / 4) : 1;
}

/** What connects locations and numbers, and looks whether they are connected rightly. */
function createConnecting(
  config: Config,
  parts: Omit<InstallContext, "oauth"> &
    Omit<ChecksContext, "people" | "callApi" | "findApp"> &
    Access & { database: Database; doors: Doors; onWork: Wake },
) {
  const { findOauth, marketplaceApp, accessTokens, database, doors, onWork, ...context } = parts;
  const { people } = database;
  const redirectUri = `${config.publicUrl}/oauth/callback`;
  const onConnected = ({ id }: Connection) => {
    accessTokens.forget(id);
    onWork("deliveries");
  };
  return {
    sandboxUrl: config.sandboxUrl,
    checks: createChecks({
      ...context,
      sandboxUrl: config.sandboxUrl,
      people,
      accessTokens,
      callApi: doors.callApi,
      findApp: marketplaceApp.find,
    }),
    async findInstaller() {
      const [app, oauth] = [await marketplaceApp.find(), await findOauth()];
      return (
        app &&
        oauth &&
        createInstaller({ ...context, oauth, app: { ...config.oauth, ...app }, redirectUri, onConnected })
      );
    },
  };
}

function encryptionKeys(config: Config): Buffer[] {
  if (config.encryptionKeys) return config.encryptionKeys;
  if ("dataDir" in config.database) return [readOrCreateEncryptionKey(config.database.dataDir)];
  throw new ConfigError("ENCRYPTION_KEYS is not set");
}

async function listen(server: Server, { port, host }: Config): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const hint =
        error.code === "EADDRINUSE"
          ? `port ${port} is taken: stop what listens there, or set another PORT`
          : error.message;
      reject(new ConfigError(`HOST ${host}, PORT ${port}: the server cannot listen, ${hint}`));
    });
    server.listen(port, host, resolve);
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

const closeSeconds = 5;

async function stopBridge(parts: {
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
