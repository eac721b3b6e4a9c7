import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Program } from "./build.ts";
import { spawnChild } from "./spawn-child.ts";

export interface BridgeProcess {
  url: string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or null after a signal. */
  exited: Promise<number | null>;
  logLines: string[];
}

/** The sandbox takes any number, unless a test says otherwise. */
const unlimited = { HIGHLEVEL_REQUESTS_PER_10_SECONDS: "0", WEBHOOKS_PER_MINUTE_PER_MAPPING: "0" };

/** The bridge as a process of its own, as it is started in production. Resolves when it listens. */
export async function spawnBridge(program: Program, environment: Record<string, string>): Promise<BridgeProcess> {
  const child = spawnChild(process.execPath, program.args, {
    cwd: program.folder,
    env: { PATH: "/usr/bin:/bin", PORT: "0", HOST: "127.0.0.1", ...unlimited, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const logLines: string[] = [];
  let errors = "";
  child.stderr?.on("data", (chunk) => {
    errors += String(chunk);
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const url = await new Promise<string>((resolve, reject) => {
    if (child.stdout) {
      createInterface({ input: child.stdout }).on("line", (line) => {
        logLines.push(line);
        const started = /"event":"bridge.started"/.test(line) && (JSON.parse(line) as { url: string });
        if (started) resolve(started.url);
      });
    }
    exited.then((code) => reject(new Error(`the bridge ended with ${code}: ${errors}`)));
  });
  return { url, exited, logLines, kill: (signal) => void child.kill(signal) };
}
