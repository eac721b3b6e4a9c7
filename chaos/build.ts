import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "../test/support/at-exit.ts";
import { copyBridge, type Program, removeBridge } from "../test/support/build.ts";

const root = join(import.meta.dirname, "..");

/** A place in a compiled file, and what stands there instead. */
export interface Patch {
  file: string;
  find: string;
  replace: string;
}

/**
 * Scenarios in which time is scaled begin their retries earlier, which is no setting: only tests and benchmarks do so.
 */
const takesTuning: Patch = {
  file: "dist/main.js",
  find: "startBridge(config, log)",
  replace: 'startBridge(config, log, JSON.parse(process.env["CHAOS_TUNING"] ?? "{}"))',
};

/** A copy of a compiled bridge that takes that tuning, so that nothing in the product has to know of this suite. */
export const buildForChaos = (program: Program): Program => patchBridge(program, takesTuning);

/** That of a commit before, compiled with its own migrations. */
export function buildEarlier(commit: string): Program {
  const folder = mkdtempSync(join(tmpdir(), "bridge-earlier-"));
  atExit(() => rmSync(folder, { recursive: true, force: true }));
  const archive = execFileSync(
    "git",
    ["archive", commit, "src", "migrations", "package.json", "tsconfig.json", "tsconfig.build.json"],
    {
      cwd: root,
      maxBuffer: 100_000_000,
    },
  );
  execFileSync("tar", ["x"], { cwd: folder, input: archive });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--noCheck"], { cwd: folder, stdio: "pipe" });
  applyPatch(folder, takesTuning);
  return { folder, args: ["dist/main.js"] };
}

/** A copy of a compiled bridge with another line in one of its files. Throws when the patch does not find its place. */
export function patchBridge(program: Program, patch: Patch): Program {
  const copy = copyBridge(program);
  try {
    applyPatch(copy.folder, patch);
  } catch (error) {
    removeBridge(copy);
    throw error;
  }
  return copy;
}

function applyPatch(folder: string, { file, find, replace }: Patch): void {
  const path = join(folder, file);
  const source = readFileSync(path, "utf8");
  if (!source.includes(find)) throw new Error(`${file} has no ${find} any more: change the patch`);
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
}
