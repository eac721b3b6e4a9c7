import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../src/config.ts";
import { createLog } from "../src/log.ts";
import { type Sandbox, startSandbox } from "../src/sandbox/sandbox.ts";
import { startBridge } from "../src/start-bridge.ts";
import { createStandIn } from "../test/support/stand-ins/from-fixtures.ts";
import { serveStandIns } from "../test/support/stand-ins/serve.ts";
import type { StandIn } from "../test/support/stand-ins/stand-in.ts";
import { bringToLife, type Life, type Living } from "./providers.ts";
import { mappings } from "./scenes.ts";
import type { Way } from "./way.ts";

export interface Stage {
  sandbox: Sandbox;
  sandboxUrl: string;
  bridgeUrl: string;
  ways: Way[];
  way(provider: string): Way;
  told: Life["told"];
  /** A file for `curl -K`, so that nothing secret stands on the screen. Gives its path. */
  keepForCurl(name: string, lines: string[]): string;
  adminHeader: string;
  adminApiKey: string;
  /** To the console, and where the bridge is in this process it signs in, once. */
  consoleLink(): Promise<string>;
  stop(): Promise<void>;
}

const locationId = "demo-location";
const token = "demo-token";

/** Runs a bridge with these settings, and resolves when it answers. */
export type RunBridge = (
  settings: Record<string, string>,
) => Promise<{ stop(): Promise<void>; signInLink?(): Promise<string> }>;

/**
 * A sandbox in HighLevel's place, stand-ins in the providers', and between them the bridge with a mapping for each: in this
 * process, unless it is run otherwise.
 */
export async function setStage(
  living: Pick<Living, "waitMs" | "notice">,
  runBridge: RunBridge = runHere,
): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "conversation-bridge-demo-"));
  const standIns = mappings.map(({ provider }) => createStandIn(provider));
  const served = await serveStandIns(standIns);
  const { sandbox, url: sandboxUrl, stop } = await startSandbox({ port: await portOr(4010), rateLimit: undefined });
  const adminApiKey = randomBytes(24).toString("hex");
  const port = await portOr(3000);
  const bridgeUrl = `http://127.0.0.1:${port}`;
  const bridge = await runBridge({
    PUBLIC_URL: bridgeUrl,
    PORT: String(port),
    HOST: "127.0.0.1",
    ADMIN_API_KEY: adminApiKey,
    DATA_DIR: join(folder, "data"),
    HIGHLEVEL_URL: sandboxUrl,
    HIGHLEVEL_PUBLIC_KEYS: sandbox.publicKey,
    PROVIDERS_URL: served.url,
    LOG_LEVEL: "error",
  });
  const adminHeader = `Authorization: Bearer ${adminApiKey}`;
  const ways = await registerWays(bridgeUrl, adminHeader, standIns);
  sandbox.putLocation({
    id: locationId,
    token,
    providers: mappings.map(({ provider, channel, conversationProviderId: id }) => {
      return { id, channel, extra: true, deliveryUrl: ways.find((each) => each.provider === provider)?.deliveryUrl };
    }),
  });
  const way = (provider: string): Way => {
    const found = ways.find((each) => each.provider === provider);
    if (!found) throw new Error(`there is no mapping for ${provider}`);
    return found;
  };
  const life = bringToLife(standIns, { ...living, webhookUrlOf: (provider) => way(provider).webhookUrl });
  return {
    ...{ sandbox, sandboxUrl, bridgeUrl, ways, way, adminHeader, adminApiKey, told: life.told },
    consoleLink: async () => (await bridge.signInLink?.()) ?? `${bridgeUrl}/console`,
    keepForCurl(name, lines) {
      const path = join(folder, name);
      writeFileSync(path, `${lines.join("\n")}\n`, { mode: 0o600 });
      return path;
    },
    async stop() {
      life.stop();
      await bridge.stop();
      await Promise.all([stop(), served.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The sandbox shows a message to the status calls at once. */
const runHere: RunBridge = (settings) =>
  startBridge(readConfig(settings), createLog("error", { write }), { visibleAfterSeconds: 0, pollSeconds: 0.5 });

/** The bridge's errors, but for what a provider refuses: that is shown. */
function write(line: string): void {
  if (!line.includes('"outcome":"rejected"')) process.stderr.write(line);
}

interface Registered {
  id: string;
  deliveryUrl: string;
}

async function registerWays(bridgeUrl: string, adminHeader: string, standIns: StandIn[]): Promise<Way[]> {
  const admin = async <Body>(method: string, path: string, body: unknown): Promise<Body> => {
    const headers = { Authorization: adminHeader.replace(/^.*?: /, ""), "Content-Type": "application/json" };
    const answer = await fetch(`${bridgeUrl}/admin${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Body;
  };
  await admin("PUT", `/locations/${locationId}`, { name: "Demo", token });
  const ways: Way[] = [];
  for (const { channel: _channel, ...mapping } of mappings) {
    const { provider, address } = mapping;
    const standIn = standIns.find((each) => each.provider === provider);
    if (!standIn) throw new Error(`there is no stand-in for ${provider}`);
    const { id, deliveryUrl } = await admin<Registered>("POST", "/mappings", { locationId, ...mapping });
    ways.push({ provider, address, webhookUrl: `${bridgeUrl}/webhooks/${id}`, deliveryUrl, standIn });
  }
  return ways;
}

/** The wanted port, or any free one when it is taken. */
function portOr(wanted: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => {
      const any = createServer().listen(0, "127.0.0.1", () => {
        const address = any.address();
        any.close(() => resolve(typeof address === "object" && address ? address.port : 0));
      });
    });
    probe.listen(wanted, "127.0.0.1", () => probe.close(() => resolve(wanted)));
  });
}
