import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listMarkdown, root } from "./blocks.ts";

const page = readFileSync(join(root, "docs/architecture.md"), "utf8");

/** A function with the file that the page names right after it. */
const named = [...page.matchAll(/`(\w+)\(\)` in\s+\[(src\/[\w/.-]+)\]/g)].map(([, name = "", file = ""]) => ({
  name,
  file,
}));

test.each(named)("the walks lead to what is there: $name in $file", ({ name, file }) => {
  const source = readFileSync(join(root, file), "utf8");
  expect(source).toMatch(new RegExp(`^export (async )?(function|const) ${name}\\b`, "m"));
});

test("every function that the page names has its file beside it", () => {
  const functions = [...page.matchAll(/`(\w+)\(\)`/g)].map(([, name]) => name);
  expect(functions.length).toBeGreaterThan(20);
  expect(functions).toEqual(named.map(({ name }) => name));
});

test("every path in the code that a page or a decision names is there", () => {
  const texts = ["README.md", ...listMarkdown("docs")].map((file) => readFileSync(join(root, file), "utf8"));
  const paths = texts.flatMap((text) => [...text.matchAll(/\b(?:src|test|ops|demo|bench|chaos)\/[\w./-]*\w/g)]);
  const absent = paths.map(([path]) => path).filter((path) => !existsSync(join(root, path)));
  expect([...new Set(absent)]).toEqual([]);
});
