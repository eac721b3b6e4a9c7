import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { copyBridge, type Program, removeBridge } from "../test/support/build.ts";

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

/** A copy of a compiled bridge with another line in one of its files. Throws when the patch does not find its place. */
export function patchBridge(program: Program, { file, find, replace }: Patch): Program {
  const copy = copyBridge(program);
  const path = join(copy.folder, file);
  const source = readFileSync(path, "utf8");
  if (!source.includes(find)) {
    removeBridge(copy);
    throw new Error(`${file} has no ${find} any more: change the patch`);
  }
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  return copy;
}
