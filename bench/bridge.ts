import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../test/support/postgres.ts";
import { spawnChild } from "../test/support/spawn-child.ts";
import type { Lab, SandboxInUse } from "./lab.ts";
import { mainOf, projectRoot } from "./product.ts";
import { type BenchProvider, credentialsOf, numberAt, publicUrl, type Target } from "./webhooks.ts";

export interface BridgeInUse {
  port: number;
  pid: number;
  /** From its start as a process until `GET /readyz` says 200. */
  readyMs: number;
  admin(method: string, path: string, body?: unknown): Promise<{ id: string }>;
  /** Gently, and waits for the end. */
  stop(): Promise<void>;
  /** As `kill -9` does. */
  kill(): Promise<void>;
}

export const adminApiKey = "k".repeat(32);
/** The same for all processes of a run, which share databases. */
const encryptionKeys = randomBytes(32).toString("base64");

/** What is counted to keep within limits is still counted, and the limits are too high to be met. */
const beyondLimits = {
  WEBHOOKS_PER_MINUTE_PER_MAPPING: "100000000",
  HIGHLEVEL_REQUESTS_PER_10_SECONDS: "1000000",
  HIGHLEVEL_REQUESTS_PER_DAY: "1000000000",
};

/** The bridge as it runs in production, with its log at the default level, which nobody reads. */
export async function startBridgeProcess(
  { product, settings, atEnd }: Pick<Lab, "product" | "settings" | "atEnd">,
  environment: Record<string, string>,
): Promise<BridgeInUse> {
  const port = await freePort();
  const spawned = performance.now();
  const child = spawnChild(process.execPath, mainOf(product), {
    cwd: projectRoot,
    env: {
      PATH: "/usr/bin:/bin",
      PORT: String(port),
      HOST: "127.0.0.1",
      PUBLIC_URL: publicUrl,
      ADMIN_API_KEY: adminApiKey,
      ENCRYPTION_KEYS: encryptionKeys,
      // As the image has it.
      MALLOC_MMAP_THRESHOLD_: "1000000",
      ...beyondLimits,
      ...settings,
      ...environment,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr?.on("data", (chunk) => {
    errors = (errors + String(chunk)).slice(-4000);
  });
  atEnd(() => endProcess(child, "SIGKILL"));
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`the bridge ended with ${child.exitCode}: ${errors}`);
    await sleep(5);
  }
  return {
    port,
    pid: child.pid ?? 0,
    readyMs: performance.now() - spawned,
    admin: (method, path, body) => callAdmin(port, method, path, body),
    stop: () => endProcess(child, "SIGTERM"),
    kill: () => endProcess(child, "SIGKILL"),
  };
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ port, host: "127.0.0.1", path: "/readyz", agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    probe.on("error", () => resolve(false)).end();
  });
}

async function callAdmin(port: number, method: string, path: string, body: unknown): Promise<{ id: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${adminApiKey}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as { id: string };
}

export const conversationProviderId = "bench-provider";
export const locationAt = (index: number) => ({ id: `bench-location-${index}`, token: `bench-token-${index}` });

/** Makes locations with a mapping each, known to the sandbox and to the bridge. */
export async function addTargets(
  bridge: BridgeInUse,
  sandbox: SandboxInUse,
  count: number,
  provider: BenchProvider = "twilio",
): Promise<Target[]> {
  const locations = Array.from({ length: count }, (_, index) => locationAt(index));
  const providers = [{ id: conversationProviderId, channel: "sms" as const, extra: true }];
  await sandbox.ask(
    "putLocations",
    locations.map((location) => ({ ...location, providers })),
  );
  const targets: Target[] = [];
  for (const [index, { id: locationId, token }] of locations.entries()) {
    await bridge.admin("PUT", `/locations/${locationId}`, { token });
    const address = numberAt(index);
    const credentials = credentialsOf[provider];
    const mapping = { provider, address, credentials, locationId, conversationProviderId };
    targets.push({ mappingId: (await bridge.admin("POST", "/mappings?check=false", mapping)).id, address });
  }
  return targets;
}
