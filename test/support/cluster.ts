import { randomBytes } from "node:crypto";
import axios from "axios";
import { inject } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/sandbox.ts";
import { type BridgeProcess, spawnBridge } from "./bridge-process.ts";
import { copyMigrated } from "./database.ts";
import { type LoadProvider, someProviders } from "./load.ts";
import { emailProviderId, locationId, publicUrl, smsProviderId } from "./location.ts";
import { until } from "./until.ts";

/** Bridges as processes of their own on one database, and a sandbox behind them. */
export interface Cluster {
  sandbox: Sandbox;
  databaseUrl: string;
  /** All that were started, the killed ones too. */
  bridges: BridgeProcess[];
  start(): Promise<BridgeProcess>;
  /** A call to the admin route of the bridge that was started last. Throws for what is not a 2xx. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely.
  admin(method: string, path: string, data?: unknown): Promise<any>;
  /** Makes a location known to the sandbox and to the bridges. */
  connect(id?: string): Promise<void>;
  /** A mapping of the location for each provider of the load. */
  addMappings(): Promise<Map<LoadProvider, string>>;
  /** Until nothing waits any more to be processed or delivered. */
  untilSettled(): Promise<void>;
  stop(): Promise<void>;
}

const adminApiKey = "k".repeat(32);

export async function startCluster(options: {
  processes: number;
  sandbox?: SandboxOptions;
  environment?: (sandboxUrl: string, sandbox: Sandbox) => Record<string, string>;
}): Promise<Cluster> {
  const highlevel = await startSandbox({ rateLimit: undefined, ...options.sandbox });
  const database = await copyMigrated(inject);
  const environment = {
    PUBLIC_URL: publicUrl,
    ADMIN_API_KEY: adminApiKey,
    DATABASE_URL: database.url,
    ENCRYPTION_KEYS: randomBytes(32).toString("base64"),
    HIGHLEVEL_URL: highlevel.url,
    ...options.environment?.(highlevel.url, highlevel.sandbox),
  };
  const { sandbox } = highlevel;
  const bridges: BridgeProcess[] = [];
  const cluster: Cluster = {
    sandbox,
    databaseUrl: database.url,
    bridges,
    async start() {
      const bridge = await spawnBridge(inject("program"), environment);
      bridges.push(bridge);
      return bridge;
    },
    async admin(method, path, data) {
      const url = `${bridges.at(-1)?.url}/admin${path}`;
      return (await axios.request({ method, url, data, headers: { authorization: `Bearer ${adminApiKey}` } })).data;
    },
    async connect(id = locationId) {
      const token = `token-${id}`;
      sandbox.putLocation({
        id,
        token,
        providers: [
          { id: smsProviderId, channel: "sms", extra: true },
          { id: emailProviderId, channel: "email", extra: true },
        ],
      });
      await cluster.admin("PUT", `/locations/${id}`, { token });
    },
    async addMappings() {
      const add = async (provider: LoadProvider): Promise<[LoadProvider, string]> => {
        const { id } = await cluster.admin("POST", "/mappings?check=false", { locationId, ...provider.mapping });
        return [provider, id];
      };
      return new Map(await Promise.all(someProviders.map(add)));
    },
    async untilSettled() {
      const left = async () => [
        ...(await cluster.admin("GET", "/webhooks?state=received&limit=1")).items,
        ...(await cluster.admin("GET", "/deliveries?state=pending&limit=1")).items,
      ];
      await until(left, (items) => items.length === 0, 240);
    },
    async stop() {
      for (const bridge of bridges) bridge.kill("SIGKILL");
      await Promise.all(bridges.map((bridge) => bridge.exited));
      await highlevel.stop();
      await database.drop();
    },
  };
  await Promise.all(Array.from({ length: options.processes }, () => cluster.start()));
  return cluster;
}
