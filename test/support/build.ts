import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "./at-exit.ts";
import { copyPart } from "./copy-part.ts";

const root = join(import.meta.dirname, "../..");

/** How to start a compiled bridge as a process. */
export interface Program {
  folder: string;
  args: string[];
}

/** The bridge built into a temporary folder, until `removeBridge` or the end of this process, as `npm run build` does. */
export function compileBridge(): Program {
  const program = layOut();
  try {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    // What does not fit by its types is for the type check to say, which takes three times as long.
    const args = [tsc, "-p", "tsconfig.build.json", "--noCheck", "--outDir", join(program.folder, "dist/modules")];
    execFileSync(process.execPath, args, { cwd: root, stdio: "pipe" });
  } catch (error) {
    if (!existsSync(join(program.folder, "dist/modules/main.js"))) throw error;
  }
  bundle(program.folder);
  return program;
}

/** The same in a folder of its own, with other modules there if they are changed. */
export function copyBridge({ folder }: Program, change?: (folder: string) => void): Program {
  const program = layOut();
  try {
    cpSync(join(folder, "dist"), join(program.folder, "dist"), { recursive: true });
    if (change) {
      change(program.folder);
      bundle(program.folder);
    }
    return program;
  } catch (error) {
    removeBridge(program);
    throw error;
  }
}

export function removeBridge({ folder }: Program): void {
  removals.get(folder)?.();
}

/** By folder: what is not removed before is removed when the process ends. */
const removals = new Map<string, () => void>();

/** Its files anew, of the modules that lie there. */
export function bundle(folder: string): void {
  execFileSync(process.execPath, ["tools/bundle.mjs"], { cwd: folder, stdio: "pipe" });
}

function layOut(): Program {
  const folder = mkdtempSync(join(tmpdir(), "bridge-build-"));
  removals.set(
    folder,
    atExit(() => rmSync(folder, { recursive: true, force: true })),
  );
  for (const name of ["package.json", "tools"]) copyPart(name, folder);
  for (const name of ["node_modules", "migrations", "static"]) symlinkSync(join(root, name), join(folder, name));
  return { folder, args: ["dist/main.js"] };
}
