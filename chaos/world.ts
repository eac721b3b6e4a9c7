import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import { type Sandbox, startSandbox } from "../src/sandbox/sandbox.ts";
import type { Tuning } from "../src/start-bridge/tuning.ts";
import { atExit } from "../test/support/at-exit.ts";
import { type BridgeProcess, spawnBridge } from "../test/support/bridge-process.ts";
import type { Program } from "../test/support/build.ts";
import { createDatabase } from "../test/support/database.ts";
import { earlyProviders, type LoadProvider, someProviders } from "../test/support/load.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId } from "../test/support/location.ts";
import { type PostgresServer, startPostgres } from "../test/support/postgres.ts";
import { type Door, startDoor } from "./beside/door.ts";
import { createRandom } from "./random.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const adminApiKey = "k".repeat(32);
/** The ceiling of the first retry's delay: 2 s in production. */
export const firstDelaySeconds = 0.5;

/** One run of one scenario: the bridges, what is around them, and the means to break it. */
export interface World {
  processes: number;
  /** The longest that one attempt may take. The lease is 5 s longer. */
  attemptSeconds: number;
  /** Follows from the seed. */
  random: () => number;
  /** Between two messages of one person, on average, from now on. */
  pauseMs: number;
  /** Waits for so many seconds, or fewer in the short form; not for what the bridge's own times decide. */
  pass(seconds: number): Promise<void>;
  sandbox: Sandbox;
  /** Between the bridges and the sandbox. */
  proxy: TcpProxy;
  door: Door;
  /** Only where the scenario has one of its own. */
  postgres: PostgresServer | undefined;
  databaseUrl: string;
  /** A folder of this run alone. */
  folder: string;
  bridges: BridgeProcess[];
  /** All that were ever started. */
  started: BridgeProcess[];
  /** Starts a bridge in a place, beside the one that is there. A setting that is empty is not given. */
  start(place: number, change?: Record<string, string>): Promise<BridgeProcess>;
  /** The same with the version before. */
  startEarlier(place: number): Promise<BridgeProcess>;
  /** Kills the bridge in a place and starts another one there. */
  killAndStart(place: number): Promise<void>;
  /** Where a load balancer would send the next request: a process that is no more gets none. */
  nextUrl(): string;
  /** Asks the first bridge, or another one. */
  admin<Answer = unknown>(method: string, path: string, body?: unknown, place?: number): Promise<Answer>;
  /** Gives the location this token, here and at HighLevel. */
  putToken(token: string): Promise<void>;
  addMappings(): Promise<Map<LoadProvider, string>>;
  /** Does it once the bridges are gone. */
  atEnd(cleanUp: () => unknown): void;
  stop(): Promise<void>;
}

/** What a scenario wants of its world. */
export interface Surroundings {
  name: string;
  /** What the bridge in a place is told beyond the usual. */
  environment?(world: World, place: number): Record<string, string>;
  /** Time runs faster than in production: how, and in words. */
  scaled?: { tuning: Partial<Tuning>; words: string };
  /** A PostgreSQL of its own, because it is stopped. */
  ownPostgres?: true;
}

export interface WorldOptions {
  scenario: Surroundings;
  processes: number;
  seed: number;
  /** How much of the time that scenarios pass is passed. */
  pace: number;
  /** The longest that one attempt may take: 30 s by default of the bridge. */
  attemptSeconds: number;
  /** Who write to each provider. */
  people: number;
  /** Between two messages of one of them, on average, to begin with. */
  pauseMs: number;
  /** Nobody is more messages ahead of what is in HighLevel. */
  mostAhead?: number;
  /** Of `buildForChaos`. */
  program: Program;
  /** The version before, where it is tried beside this one. */
  earlier?: Program | undefined;
  /** The load alone: no import, no agent and no endpoint beside it. */
  isLoadAlone?: boolean;
  /** How long it is waited at the end until nothing waits any more. */
  drainSeconds?: number;
  /** Whether the logs and tables of a run that fails are kept. */
  keepsEvidence: boolean;
  postgres: Pick<PostgresServer, "url">;
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const { scenario, processes, program, pace, attemptSeconds } = options;
  const random = createRandom(options.seed, `${scenario.name} ${processes}`);
  const {
    sandbox,
    url,
    stop: stopSandbox,
  } = await startSandbox({
    ...{ rateLimit: undefined, seed: options.seed },
    // This process may stand still for longer than a bridge waits: what it reads then was given up long ago.
    hangUpMs: 25,
  });
  const proxy = await startTcpProxy(Number(new URL(url).port));
  const door = await startDoor(random);
  const postgres = scenario.ownPostgres && (await startPostgres({ durable: true }));
  const database = await createDatabase((postgres ?? options.postgres).url);
  const folder = mkdtempSync(join(tmpdir(), "bridge-chaos-run-"));
  const removeFolder = atExit(() => rmSync(folder, { recursive: true, force: true }));
  const environment = {
    PUBLIC_URL: publicUrl,
    ADMIN_API_KEY: adminApiKey,
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: randomBytes(32).toString("base64"),
    HIGHLEVEL_URL: `http://127.0.0.1:${proxy.port}`,
    HIGHLEVEL_PUBLIC_KEYS: sandbox.publicKey,
    HIGHLEVEL_TIMEOUT_SECONDS: String(attemptSeconds),
    ALLOWED_PRIVATE_HOSTS: door.host,
    LOG_LEVEL: "info",
    CHAOS_TUNING: JSON.stringify({ firstDelaySeconds, ...scenario.scaled?.tuning }),
  };
  const started: BridgeProcess[] = [];
  const cleanUps: (() => unknown)[] = [];
  let turn = 0;

  const start = async (place: number, version: Program, change: Record<string, string>) => {
    const settings = { ...environment, ...scenario.environment?.(world, place), ...change };
    const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== ""));
    const bridge = await startAsSupervised(() => spawnBridge(version, given));
    started.push(bridge);
    world.bridges[place] = bridge;
    return bridge;
  };

  const world: World = {
    processes,
    attemptSeconds,
    random,
    pauseMs: options.pauseMs,
    pass: (seconds) => sleep(seconds * pace * 1000),
    sandbox,
    proxy,
    door,
    postgres,
    databaseUrl: database.url,
    folder,
    bridges: [],
    started,
    start: (place, change = {}) => start(place, program, change),
    async startEarlier(place) {
      if (!options.earlier) throw new Error("this needs the version before: npm run chaos -- --from <its commit>");
      return start(place, options.earlier, {});
    },
    async killAndStart(place) {
      world.bridges[place]?.kill("SIGKILL");
      await world.bridges[place]?.exited;
      await world.start(place);
    },
    nextUrl: () => world.bridges[turn++ % processes]?.url ?? "",
    async admin(method, path, data, place = 0) {
      const url = `${world.bridges[place]?.url}/admin${path}`;
      const headers = { authorization: `Bearer ${adminApiKey}` };
      const answer = await axios.request({ method, url, data, headers, timeout: 60_000, validateStatus: () => true });
      if (answer.status >= 300)
        throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.data)}`);
      return answer.data;
    },
    async putToken(token) {
      putLocation(sandbox, token, door);
      await world.admin("PUT", `/locations/${locationId}`, { token });
    },
    async addMappings() {
      const providers = options.earlier ? earlyProviders : someProviders;
      return new Map(
        await Promise.all(providers.map((provider) => addMapping(world, provider, options.earlier === undefined))),
      );
    },
    atEnd: (cleanUp) => void cleanUps.push(cleanUp),
    async stop() {
      for (const bridge of started) bridge.kill("SIGKILL");
      await Promise.all(started.map((bridge) => bridge.exited));
      for (const cleanUp of cleanUps) await cleanUp();
      await proxy.stop();
      await door.stop();
      await stopSandbox();
      await database.drop();
      await postgres?.stop();
      removeFolder();
    },
  };
  return world;
}

function putLocation(sandbox: Sandbox, token: string, { deliveryUrl }: Door): void {
  sandbox.putLocation({
    id: locationId,
    token,
    providers: [
      { id: smsProviderId, channel: "sms", extra: true },
      { id: emailProviderId, channel: "email", extra: true },
      { id: callProviderId, channel: "call", extra: true },
      { id: agentProviderId, channel: "sms", extra: true, deliveryUrl },
    ],
  });
}

const callProviderId = "provider-calls";
/** By which an agent sends. */
export const agentProviderId = "provider-agent";

async function addMapping(world: World, provider: LoadProvider, knowsCalls: boolean): Promise<[LoadProvider, string]> {
  const { id } = await world.admin<{ id: string }>("POST", "/mappings?check=false", {
    locationId,
    ...provider.mapping,
    ...(knowsCalls && provider.call ? { callProviderId } : {}),
  });
  return [provider, id];
}

/** A process whose connection is cut while it migrates ends, and whoever runs it starts it again. */
async function startAsSupervised(start: () => Promise<BridgeProcess>): Promise<BridgeProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}
