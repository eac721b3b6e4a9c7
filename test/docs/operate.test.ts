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

test("an operator finds the events that the bridge logs as errors by the names that it gives them", () => {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  const source = files.map((file) => readFileSync(join(root, "src", file), "utf8")).join("\n");
  const events = rowsOf("The log").flatMap((cell) => [...cell.matchAll(/`(\w+\.\w+)`/g)].map(([, name = ""]) => name));
  expect(events.length).toBeGreaterThan(8);
  expect(events.filter((event) => !source.includes(`"${event}"`))).toEqual([]);
});
