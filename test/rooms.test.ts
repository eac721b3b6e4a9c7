import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { brokenRules, findCircle, importsOf, readImports, rooms } from "./support/rooms.ts";

const root = join(import.meta.dirname, "..");
const src = join(root, "src");
const maxFiles = 16;
/** One file per provider, and as many as there are. */
const lists = ["providers/sms", "providers/email"].map((folder) => join(src, folder));

describe("the rooms of src", () => {
  const imports = readImports(src);

  test("use nothing but what the table allows", () => {
    expect(imports.length).toBeGreaterThan(500);
    expect(brokenRules(imports)).toEqual([]);
  });

  test.each([
    ["a package of another room", "inbox/a.ts", 'import axios from "axios";'],
    ["a room that is out of bounds", "store/a.ts", 'import { retry } from "../outbox/retry.ts";'],
    ["types alone", "providers/a.ts", 'import type { Db } from "../store/postgres/database.ts";'],
    ["a dynamic import", "http/a.ts", 'const { sql } = await import("drizzle-orm/pg-core");'],
    ["an import for its effects", "formats/a.ts", 'import "../calls/call-api.ts";'],
    ["what is handed on", "secrets/a.ts", 'export { createLimit } from "../concurrency/limit.ts";'],
    ["an import over several lines", "calls/a.ts", 'import {\n  seal,\n} from "../secrets/seal.ts";'],
    ["the room around a part", "store/postgres/a.ts", 'import { messages } from "../schema.ts";'],
    ["a new folder without a line", "helpers/a.ts", 'import { z } from "zod";'],
    ["a new file in the root", "helpers.ts", 'import { z } from "zod";'],
    ["the model using anything", "model.ts", 'import { Failure } from "./errors.ts";'],
  ])("cannot break it by %s", (_what, file, source) => {
    expect(brokenRules([...imports, ...importsOf(file, source)])).toHaveLength(1);
  });

  test("have lines for nothing that is not there", () => {
    const there = readdirSync(src, { recursive: true, encoding: "utf8" }).map((path) => path.replace(/\.tsx?$/, ""));
    expect(Object.keys(rooms).filter((room) => !there.includes(room))).toEqual([]);
  });

  test(`have at most ${maxFiles} files each`, () => {
    const counts = new Map<string, number>();
    for (const file of readdirSync(src, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
      counts.set(file.parentPath, (counts.get(file.parentPath) ?? 0) + 1);
    }
    const crowded = [...counts].filter(([folder, files]) => files > maxFiles && !lists.includes(folder));
    expect(crowded).toEqual([]);
  });

  test("have a console of 3,000 lines at most", () => {
    const folder = join(src, "console");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const lines = files.map(
      ({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8").split("\n").length - 1,
    );
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(3000);
  });

  test("have adapters for texts of at most 110 lines, or such that say in their head why they are longer", () => {
    const folder = join(src, "providers/sms");
    const adapters = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const unexplained = adapters.flatMap(({ name }) => {
      const source = readFileSync(join(folder, name), "utf8");
      const [head = ""] = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/(?=\nexport const \w+ = defineProvider\()/.exec(source) ?? [];
      return source.split("\n").length - 1 <= 110 || /\blong|length/i.test(head) ? [] : [name];
    });
    expect(adapters.length).toBeGreaterThan(10);
    expect(unexplained).toEqual([]);
  });

  test("have adapters for emails of 100 to 170 lines", () => {
    const folder = join(src, "providers/email");
    const adapters = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const lines = adapters.map(({ name }) => readFileSync(join(folder, name), "utf8").split("\n").length - 1);
    expect(adapters.length).toBeGreaterThan(10);
    expect(
      adapters.filter((_, at) => (lines[at] ?? 0) > 170 || (lines[at] ?? 0) < 100).map(({ name }) => name),
    ).toEqual([]);
  });

  test("print the same table in docs/architecture.md", () => {
    const page = readFileSync(join(root, "docs/architecture.md"), "utf8");
    const printed = [...page.matchAll(/^\| `([\w/-]+)` \|[^|]*\| (.*?) ?\|$/gm)].map(([, room = "", may = ""]) => [
      room,
      may.replaceAll("`", ""),
    ]);
    expect(Object.fromEntries(printed)).toEqual(rooms);
  });

  test("open no transaction in http: that is for the rooms that know what belongs together", () => {
    const http = readdirSync(join(src, "http"), { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"));
    expect(http.filter((file) => readFileSync(join(src, "http", file), "utf8").includes(".transaction("))).toEqual([]);
  });
});

test.each(["src", "chaos", "demo", "bench", "test", "tools"])(
  "no files in %s import each other in a circle",
  (folder) => {
    expect(findCircle(readImports(join(root, folder)))).toBeUndefined();
  },
);

test("a circle would be found, also one of types", () => {
  const circle = [
    ...importsOf("a.ts", 'import { b } from "./b.ts";'),
    ...importsOf("b.ts", 'import type { A } from "./c/c.ts";'),
    ...importsOf("c/c.ts", 'export * from "../a.ts";'),
  ];
  expect(findCircle(circle)).toEqual(["a.ts", "b.ts", "c/c.ts", "a.ts"]);
});
