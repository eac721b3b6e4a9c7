import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { atExit } from "./at-exit.ts";

/** A child process that does not outlive this one, unless this one is killed with -9. */
export function spawnChild(
  command: string,
  args: string[],
  options: SpawnOptions & { endBy?: NodeJS.Signals },
): ChildProcess {
  const { endBy = "SIGKILL", ...rest } = options;
  const child = spawn(command, args, rest);
  const end = atExit(() => void child.kill(endBy));
  child.once("exit", end);
  return child;
}
