import { cpSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Copies a file or folder of the project to the same place in another, without what is installed in it: other tests write there. */
export function copyPart(name: string, to: string): void {
  cpSync(join(root, name), join(to, name), { recursive: true, filter: isOfProject });
}

export const isOfProject = (path: string) => basename(path) !== "node_modules";
