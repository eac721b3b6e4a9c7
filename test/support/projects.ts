import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { importsOf } from "./rooms.ts";

export type Project = "unit" | "providers" | "postgres" | "system";

/**
 * What makes a test one of several processes, one with a database, and one of whatever providers there are, of which each
 * new one makes it longer: by what is imported anywhere below it.
 */
const marks: [Project, RegExp][] = [
  ["system", /^(node:child_process|playwright-core)$/],
  ["postgres", /^(pg|@electric-sql\/pglite)$/],
  ["providers", /^test\/support\/providers\.ts$/],
];

/**
 * The test files of each project, relative to the root. A file belongs where its imports put it, so a new one needs no
 * entry, and no file of `unit` can open a database or start a process.
 */
export function testFilesByProject(root: string): Record<Project, string[]> {
  const files: Record<Project, string[]> = { unit: [], providers: [], postgres: [], system: [] };
  const read = createReader(root);
  for (const path of readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })) {
    const file = posix.join("test", path.replaceAll("\\", "/"));
    if (file.endsWith(".test.ts")) files[projectOf(file, read)].push(file);
  }
  return files;
}

type ReadImports = (file: string) => { packages: string[]; files: string[] };

/** Reads each file once, however many tests stand on it. */
function createReader(root: string): ReadImports {
  const known = new Map<string, ReturnType<ReadImports>>();
  return (file) => {
    const path = join(root, file);
    const found = known.get(file) ?? namesOf(file, existsSync(path) ? readFileSync(path, "utf8") : "");
    known.set(file, found);
    return found;
  };
}

function namesOf(file: string, source: string): ReturnType<ReadImports> {
  const imports = importsOf(file, source.replace(/^(import|export) type [^;]*;/gm, ""));
  return {
    packages: imports.filter(({ target }) => target === undefined).map(({ name }) => name),
    files: imports.flatMap(({ target }) => (/\.tsx?$/.test(target ?? "") && target ? [target] : [])),
  };
}

function projectOf(file: string, read: ReadImports): Project {
  const reached = new Set([file]);
  const packages = new Set<string>();
  for (const each of reached) {
    const imports = read(each);
    for (const name of imports.packages) packages.add(name);
    for (const target of imports.files) reached.add(target);
  }
  const [project] = marks.find(([, mark]) => [...packages, ...reached].some((name) => mark.test(name))) ?? ["unit"];
  return project;
}
