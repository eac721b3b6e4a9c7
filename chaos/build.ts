import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** A place in the source, and what stands there instead in a build of its own. */
export interface Patch {
  /** Within src. */
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
  file: "main.ts",
  find: "startBridge(config, log)",
  replace: 'startBridge(config, log, JSON.parse(process.env["CHAOS_TUNING"] ?? "{}"))',
};

/**
 * Compiles the source in a temporary folder, with patches, so that nothing in the product has to know of this suite.
 * Processes start three times as fast from it as from source. Throws when a patch does not find its place.
 */
export function buildBridge(patches: Patch[] = []): Build {
  const folder = mkdtempSync(join(tmpdir(), "bridge-chaos-"));
  for (const name of ["src", "package.json", "tsconfig.json", "tsconfig.build.json"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  for (const name of ["node_modules", "migrations"]) symlinkSync(join(root, name), join(folder, name));
  for (const { file, find, replace } of [takesTuning, ...patches]) {
    const path = join(folder, "src", file);
    const source = readFileSync(path, "utf8");
    if (!source.includes(find)) throw new Error(`src/${file} has no ${find} any more: change the patch`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
  }
  const main = join(folder, "dist/main.js");
  try {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: folder, stdio: "pipe" });
  } catch (error) {
    // What does not fit by its types is for the type check to say.
    if (!existsSync(main)) throw error;
  }
  return {
    program: { folder, args: [main] },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
