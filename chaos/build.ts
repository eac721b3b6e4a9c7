import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "../test/support/at-exit.ts";
import { bundle, copyBridge, type Program } from "../test/support/build.ts";

const root = join(import.meta.dirname, "..");

/** A place in a compiled module, and what stands there instead. */
export interface Patch {
  file: string;
  find: string | RegExp;
  replace: string;
}

/**
 * Scenarios in which time is scaled begin their retries earlier, which is no setting: only tests and benchmarks do so.
 */
const takesTuning: Patch = {
  file: "dist/modules/main.js",
  // Earlier commits have no tuning there.
  find: /startBridge\(config, log(, \{\})?/,
  replace: 'startBridge(config, log, JSON.parse(process.env["CHAOS_TUNING"] ?? "{}")',
};

/** A copy of a compiled bridge that takes that tuning, so that nothing in the product has to know of this suite. */
export const buildForChaos = (program: Program): Program => patchBridge(program, takesTuning);

/** That of a commit before, with its own migrations and packages. */
export function buildEarlier(commit: string): Program {
  const folder = mkdtempSync(join(tmpdir(), "bridge-earlier-"));
  atExit(() => rmSync(folder, { recursive: true, force: true }));
  const archive = execFileSync("git", ["archive", commit], { cwd: root, maxBuffer: 1_000_000_000 });
  execFileSync("tar", ["x"], { cwd: folder, input: archive });
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder, stdio: "pipe" });
  execFileSync("npm", ["run", "build"], { cwd: folder, stdio: "pipe" });
  // Earlier commits have their modules alone.
  const isBundled = existsSync(join(folder, "tools/bundle.mjs"));
  applyPatch(folder, isBundled ? takesTuning : { ...takesTuning, file: "dist/main.js" });
  if (isBundled) bundle(folder);
  return { folder, args: ["dist/main.js"] };
}

/** A copy of a compiled bridge with another line in one of its modules. Throws when the patch does not find its place. */
export const patchBridge = (program: Program, patch: Patch): Program =>
  copyBridge(program, (folder) => applyPatch(folder, patch));

function applyPatch(folder: string, { file, find, replace }: Patch): void {
  const path = join(folder, file);
  const source = readFileSync(path, "utf8");
  const patched = source.replace(find, () => replace);
  if (patched === source) throw new Error(`${file} has no ${find} any more: change the patch`);
  writeFileSync(path, patched);
}
