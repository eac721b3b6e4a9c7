import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { spawnChild } from "./spawn-child.ts";
import { until } from "./until.ts";

const root = join(import.meta.dirname, "../..");

interface Listed {
  pid: number;
  parent: number;
  command: string;
}

function listProcesses(): Listed[] {
  const text = execFileSync("ps", ["-eo", "pid=,ppid=,stat=,args="], { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, state = "", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid && !state.startsWith("Z") ? [{ pid: Number(pid), parent: Number(parent), command }] : [];
  });
}

function descendantsOf(pid: number, all = listProcesses()): Listed[] {
  const children = all.filter(({ parent }) => parent === pid);
  return [...children, ...children.flatMap((child) => descendantsOf(child.pid, all))];
}

const bench = ["bench/bench.ts", "--source", "--quick", "--only", "end-to-end"];
const chaos = ["chaos/main.ts", "--only", "no-answer", "--processes", "1", "--pace", "100"];

// Both leave by the same way, `exitOnSignals`; each start takes seconds.
test.each([
  ["bench", "Ctrl+C, which the whole group gets", bench, /bench\/processes|src\/main\.ts/, "SIGINT", -1],
  ["chaos", "SIGTERM to it alone", chaos, /dist\/main\.js/, "SIGTERM", 1],
] as const)(
  "npm run %s leaves no process running after %s",
  async (_name, _what, args, itsChild, signal, to) => {
    const program = spawnChild(process.execPath, ["--import", "tsx", ...args], {
      cwd: root,
      detached: true,
      stdio: "ignore",
    });
    const pid = program.pid ?? 0;
    const runs = (command: RegExp) => descendantsOf(pid).some((each) => command.test(each.command));
    await until(
      () => runs(/postgres/) && runs(itsChild),
      (are) => are || program.exitCode !== null,
      200,
    );
    const started = descendantsOf(pid).map((each) => each.pid);
    expect(started.length).toBeGreaterThan(2);
    process.kill(pid * to, signal);
    const left = () => listProcesses().filter((each) => each.pid === pid || started.includes(each.pid));
    await until(left, (processes) => processes.length === 0);
  },
  300_000,
);
