import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failureReasons } from "../../src/errors.ts";
import { root } from "./blocks.ts";

const page = readFileSync(join(root, "docs/operate.md"), "utf8");

function rowsOf(heading: string): string[] {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = ""]) => cell);
}

test("an operator finds every reason that there is, and no other", () => {
  const reasons = rowsOf("Reasons").filter((cell) => cell !== "`reason`");
  expect(reasons.map((cell) => cell.replaceAll("`", "")).sort()).toEqual([...failureReasons].sort());
});

test("an operator finds each event that the bridge logs as an error among what can go wrong, by the name that it gives it", () => {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  const source = files.map((file) => readFileSync(join(root, "src", file), "utf8")).join("\n");
  const known = readFileSync(join(root, "docs/faults.md"), "utf8");
  const named = [...source.matchAll(/log\(\s*"error",\s*"(\w+\.\w+)"/g)].map(([, event = ""]) => event);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((event) => !known.includes(`\`${event}\``))).toEqual([]);
});
