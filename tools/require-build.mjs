import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/**
 * Goes before `npm start`, which runs what was built and compiles nothing: a restart takes a moment, and works after
 * `npm prune --omit=dev`. Plain JavaScript for the same reason.
 */
const root = join(import.meta.dirname, "..");
const built = join(root, "dist/main.js");
const source = join(root, "src");

if (!existsSync(built)) {
  process.stderr.write("Nothing has been built yet. Run: npm run build\n");
  process.exit(1);
}
const changed = existsSync(source) && firstNewer(source, statSync(built).mtimeMs);
if (changed) {
  process.stderr.write(`${relative(root, changed)} is newer than the build, which runs as it is. Run: npm run build\n`);
}

/** @param {string} folder @param {number} timeMs */
function firstNewer(folder, timeMs) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .find((path) => /\.tsx?$/.test(path) && statSync(path).mtimeMs > timeMs);
}
