import { randomBytes } from "node:crypto";
import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, readConfig } from "./config.ts";
import type { Log } from "./log.ts";
import type { Trial } from "./model.ts";
import { sampleLocation } from "./sandbox/sample-location.ts";
import { startSandbox } from "./sandbox/sandbox.ts";
import { startBridge } from "./start-bridge.ts";
import { lockDataDir } from "./store/postgres/data-dir.ts";

/** A bridge to play with, of which there is one at a time. */
export interface Trials {
  /** Undefined where others reach this bridge: who presses the button must be at this machine. */
  start: (() => Promise<Trial>) | undefined;
  stop(): Promise<void>;
}

/**
 * Beside the bridge of these settings another one, with a sandbox in HighLevel's and Twilio's place. It has a database of its
 * own, which goes with it, so that nothing of it meets a real location; and it listens for this machine alone.
 */
export function createTrials(config: Config, log: Log): Trials {
  let running: ReturnType<typeof startTrial> | undefined;
  const start = async (): Promise<Trial> => {
    running ??= startTrial(log).catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    const { bridge, sandboxUrl } = await running;
    return { consoleUrl: await bridge.signInLink(), sandboxUrl };
  };
  return {
    start: isForHere(config) ? start : undefined,
    stop: async () => (await running)?.stop(),
  };
}

const here = ["127.0.0.1", "localhost", "::1", "[::1]"];
const isForHere = ({ host, publicUrl }: Config) => here.includes(host) && here.includes(new URL(publicUrl).hostname);

/** What has begun when something fails ends again. */
async function startTrial(log: Log) {
  sweepLeftovers();
  const folder = mkdtempSync(join(tmpdir(), folderPrefix));
  const { unlock } = lockDataDir(folder);
  const stops = [async () => rmSync(folder, { recursive: true, force: true }), async () => unlock()];
  const stop = async () => {
    for (const each of stops.toReversed()) await each();
  };
  try {
    const port = await findPort();
    const bridgeUrl = `http://127.0.0.1:${port}`;
    const { sandbox, url: sandboxUrl, stop: stopSandbox } = await startSandbox({ phoneFor: bridgeUrl });
    stops.push(stopSandbox);
    sandbox.putLocation(sampleLocation(bridgeUrl));
    const config = readConfig({
      ...{ PUBLIC_URL: bridgeUrl, HOST: "127.0.0.1", PORT: String(port), DATA_DIR: join(folder, "data") },
      ADMIN_API_KEY: randomBytes(32).toString("hex"),
      ...{ HIGHLEVEL_URL: sandboxUrl, HIGHLEVEL_PUBLIC_KEYS: sandbox.publicKey },
      ...{ HIGHLEVEL_CLIENT_ID: "sandbox-client", HIGHLEVEL_CLIENT_SECRET: "sandbox-secret" },
      HIGHLEVEL_AUTHORIZE_URL: `${sandboxUrl}/v2/oauth/chooselocation`,
      PROVIDERS_URL: `${sandboxUrl}/phone/api`,
    });
    // The sandbox shows a message to the status calls at once.
    const bridge = await startBridge({ ...config, sandboxUrl }, log, { visibleAfterSeconds: 0 }, { isTrial: true });
    stops.push(bridge.stop);
    log("info", "trial.started", { url: bridgeUrl });
    return { bridge, sandboxUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const folderPrefix = "conversation-bridge-trial-";

/**
 * The directories of trials whose process was killed: nobody holds their lock any more, in no container either. What another
 * user has put there may lead anywhere: it is not opened.
 */
function sweepLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(folderPrefix))) {
    const folder = join(tmpdir(), name);
    try {
      if (!isOwnFolder(folder)) continue;
      lockDataDir(folder).unlock();
      rmSync(folder, { recursive: true, force: true });
    } catch {}
  }
}

function isOwnFolder(path: string): boolean {
  const found = lstatSync(path);
  return found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid);
}

/** One that is free. */
function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
