import { join } from "node:path";
import { buildSync } from "esbuild";

/**
 * The second step of `npm run build`: from the compiled modules in `dist/modules`, the service, the command line and each thread
 * as one file with all that they import. A process starts three times as fast from one file as from a thousand.
 */
const dist = join(import.meta.dirname, "../dist");
const modules = join(dist, "modules");
const starts = [
  "main.js",
  "cli.js",
  "messages/plain-text-thread.js",
  "providers/reading-thread.js",
  "registry/mentions/mentions-thread.js",
];

buildSync({
  entryPoints: starts.map((name) => join(modules, name)),
  outdir: dist,
  outbase: modules,
  bundle: true,
  sourcemap: true,
  sourcesContent: false,
  format: "esm",
  platform: "node",
  logLevel: "warning",
  // These look for files of their own beside themselves.
  external: ["@electric-sql/pglite", "pino", "fs-native-extensions"],
  // What is CommonJS within asks for node's own modules by it.
  banner: {
    js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
  },
});
