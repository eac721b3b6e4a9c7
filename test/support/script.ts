import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { spawnChild } from "./spawn-child.ts";
import { until } from "./until.ts";

export interface Script {
  child: ChildProcess;
  /** Resolves with the exit code, or null after a signal. */
  exited: Promise<number | null>;
  /** What it has printed so far, errors included. */
  printed(): string;
  /** Waits for these words; throws with what it printed when it ends without them. */
  untilPrinted(words: RegExp): Promise<RegExpExecArray>;
}

const root = join(import.meta.dirname, "../..");

/** A script of the project as a process of its own, with nothing in its environment but what is given. */
export function startScript(script: string, args: string[] = [], environment: Record<string, string> = {}): Script {
  const child = spawnChild(process.execPath, ["--import", "tsx", script, ...args], {
    cwd: root,
    env: { PATH: "/usr/bin:/bin", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => {
      printed += String(chunk);
    });
  }
  const exited = once(child, "close").then(([code]) => code as number | null);
  return {
    ...{ child, exited, printed: () => printed },
    async untilPrinted(words) {
      const text = await until(
        () => printed,
        (now) => words.test(now) || child.exitCode !== null,
        200,
      );
      const found = words.exec(text);
      if (!found) throw new Error(`${script} ended with ${child.exitCode} and without ${words}: ${text}`);
      return found;
    },
  };
}
