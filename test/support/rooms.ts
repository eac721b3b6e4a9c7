import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** Used by all, and using none of the others. */
const ground = ["model", "errors", "log", "package"];

/**
 * What each room may use, beside itself and the ground: rooms, a single file of one, packages. What is not named, it may
 * not. A room within a room is under the rule of its own line.
 */
export const rooms: Record<string, string> = {
  main: "config start-bridge start-trial",
  cli: "advice config commander zod",
  "start-bridge":
    "console http checks inbox outbox events messages providers registry access highlevel calls observe secrets store config worker",
  "start-trial": "config start-bridge sandbox store/postgres/data-dir",
  worker: "inbox outbox concurrency store",
  config: "highlevel zod",
  http: "advice checks inbox outbox events providers/reading providers/registry registry access observe store concurrency formats/escape-html formats/bearable-json formats/email/charset secrets/compare express helmet rate-limiter-flexible zod",
  console: "advice http providers/registry store express preact preact-render-to-string zod",
  inbox: "events messages registry providers highlevel concurrency formats observe store",
  "inbox/mailboxes": "calls providers/kit registry concurrency formats/email store",
  "inbox/imports": "inbox messages registry providers access highlevel calls formats concurrency store zod",
  outbox: "concurrency events messages registry access providers highlevel formats calls observe store",
  events: "registry providers/kit calls concurrency store",
  messages: "registry highlevel concurrency formats store html-to-text",
  checks: "advice registry access providers highlevel calls store concurrency",
  registry: "access providers formats concurrency secrets store csv-parse zod",
  access: "highlevel concurrency secrets store",
  providers: "calls concurrency formats secrets zod",
  "providers/kit": "calls formats secrets zod",
  highlevel: "calls formats zod",
  calls: "concurrency axios request-filtering-agent imapflow nodemailer",
  formats: "libphonenumber-js mime-types zod @exodus/bytes html-to-text",
  "formats/email": "formats/escape-html @exodus/bytes html-to-text",
  observe:
    "providers store concurrency zod prom-client @opentelemetry/api @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources @opentelemetry/sdk-trace",
  store: "drizzle-orm",
  "store/operate": "store drizzle-orm",
  "store/postgres": "drizzle-orm pg @electric-sql/pglite fs-native-extensions",
  advice: "",
  concurrency: "",
  secrets: "",
  sandbox: "formats/escape-html @fastify/busboy express helmet zod",
  model: "",
  errors: "",
  log: "pino",
  package: "",
};

export interface Import {
  /** Relative to the folder that was read. */
  file: string;
  /** As it stands there. */
  name: string;
  /** The file that it means, relative as well; undefined for a package. */
  target: string | undefined;
}

/** `from "…"`, `import "…"`, `import("…")` and `require("…")`, whether of types or of values. */
const importing = /(?:^|[\s;(])(?:from\s*|import\s*\(?\s*|require\s*\(\s*)(["'`])([^"'`\n]+)\1/g;
const comments = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g;

/** All imports of the TypeScript files in a folder. */
export function readImports(folder: string): Import[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes("node_modules"))
    .flatMap((file) => importsOf(file, readFileSync(join(folder, file), "utf8")));
}

export function importsOf(file: string, source: string): Import[] {
  return [...source.replace(comments, "").matchAll(importing)].map(([, , name = ""]) => {
    const target = name.startsWith(".") ? posix.join(posix.dirname(file), name) : undefined;
    return { file, name, target };
  });
}

/** What breaks the rules, in words; nothing where all is well. */
export function brokenRules(imports: Import[]): string[] {
  return imports.flatMap(({ file, name, target }) => {
    const room = roomOf(file);
    const allowed = rooms[room];
    if (allowed === undefined) return [`${file} is in no room of the table: give ${room} a line`];
    if (name.startsWith("node:")) return [];
    const used = target === undefined ? [packageOf(name)] : placesOf(target);
    const may = [room, ...(ground.includes(room) ? [] : ground), ...allowed.split(" ")];
    return used.some((each) => may.includes(each)) ? [] : [`${file} uses ${name}: ${room} may not`];
  });
}

/** The innermost room that a file is in; a file of the root is a room of its own. */
function roomOf(file: string): string {
  const places = placesOf(file);
  return places.findLast((place) => Object.hasOwn(rooms, place)) ?? places[0] ?? "";
}

/** `store/postgres/notify.ts` is in `store`, in `store/postgres`, and is `store/postgres/notify`. */
function placesOf(file: string): string[] {
  const steps = file.replace(/\.tsx?$/, "").split("/");
  return steps.map((_, index) => steps.slice(0, index + 1).join("/"));
}

const packageOf = (name: string) => name.split("/", name.startsWith("@") ? 2 : 1).join("/");

/** One circle of files that import each other, as the way through it; undefined where there is none. */
export function findCircle(imports: Import[]): string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { file, target } of imports) {
    if (target !== undefined) targets.set(file, [...(targets.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  function walk(file: string, way: string[]): string[] | undefined {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const target of targets.get(file) ?? []) {
      const circle = walk(target, [...way, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  }
  for (const file of targets.keys()) {
    const circle = walk(file, []);
    if (circle) return circle;
  }
  return undefined;
}
