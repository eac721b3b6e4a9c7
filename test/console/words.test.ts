import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { reasons } from "../../src/advice/reasons.ts";
import { refusals } from "../../src/advice/refusals.ts";

const read = (page: string) => readFileSync(join(import.meta.dirname, "../../docs", page), "utf8");
const plain = (markdown: string) => markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");

test("the console says of a reason what docs/operate.md says", () => {
  const rows = [...read("operate.md").matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, reason = "", means = ""]) => [
    reason,
    plain(means),
  ]);
  const told = Object.fromEntries(rows.filter(([reason = ""]) => Object.hasOwn(reasons, reason)));
  expect(Object.fromEntries(Object.entries(reasons).map(([reason, { means }]) => [reason, means]))).toEqual(told);
});

test("the console says of a refused webhook what docs/faults.md says", () => {
  const door = read("faults.md").split("## At the door")[1] ?? "";
  const told = [...door.matchAll(/^\| (.*?) \|/gm)].map(([, fault = ""]) => fault.replace(/ \([^)]*\)$/, ""));
  for (const { means } of Object.values(refusals)) expect(told).toContain(means.replace(/\.$/, ""));
});
