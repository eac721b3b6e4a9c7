import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Where package.json, migrations and static lie: of the source, and of what is built, where one file holds many modules. */
export const packageRoot = rootAbove(import.meta.dirname);

/** Of the bridge. */
export const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string };

/** What a thread starts with, by its path in `src` without the ending. */
export const threadModule = (path: string): URL =>
  pathToFileURL(join(packageRoot, import.meta.filename.endsWith(".ts") ? `src/${path}.ts` : `dist/${path}.js`));

function rootAbove(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  if (folder === dirname(folder)) throw new Error(`there is no package.json above ${import.meta.dirname}`);
  return rootAbove(dirname(folder));
}
