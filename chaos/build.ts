import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** A place in a file, and what stands there instead. */
export interface Patch {
  file: string;
  find: string;
  replace: string;
}

export interface Build {
  /** How to start the bridge, for spawnBridge. */
  program: { folder: string; args: string[] };
  remove(): void;
}

/**
 * Scenarios in which time is scaled begin their retries earlier, which is no setting: only tests and benchmarks do so.
 */
const takesTuning: Patch = {
  file: "src/main.ts",
  find: "startBridge(config, log)",
  replace: 'startBridge(config, log, JSON.parse(process.env["CHAOS_TUNING"] ?? "{}"))',
};

/**
 * Compiles the source in a temporary folder, patched to take that tuning, so that nothing in the product has to know of
 * this suite. Processes start three times as fast from it as from source.
 */
export function buildBridge(): Build {
  const folder = mkdtempSync(join(tmpdir(), "bridge-chaos-"));
  for (const name of ["src", "package.json", "tsconfig.json", "tsconfig.build.json"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  linkRest(folder);
  applyPatch(folder, takesTuning);
  try {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: folder, stdio: "pipe" });
  } catch (error) {
    // What does not fit by its types is for the type check to say.
    if (!existsSync(join(folder, main))) throw error;
  }
  return buildIn(folder);
}

/** The same with another line in one of its compiled files, within `dist`. Throws when the patch does not find its place. */
export function breakBuild(build: Build, patch: Patch): Build {
  const folder = mkdtempSync(join(tmpdir(), "bridge-chaos-"));
  for (const name of ["dist", "package.json"]) {
    cpSync(join(build.program.folder, name), join(folder, name), { recursive: true });
  }
  linkRest(folder);
  const broken = buildIn(folder);
  try {
    applyPatch(folder, patch);
    return broken;
  } catch (error) {
    broken.remove();
    throw error;
  }
}

const main = "dist/main.js";

function buildIn(folder: string): Build {
  return {
    program: { folder, args: [main] },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function linkRest(folder: string): void {
  for (const name of ["node_modules", "migrations"]) symlinkSync(join(root, name), join(folder, name));
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
