import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { callLimits, nameLimits, targetLimits } from "../../src/calls/limits.ts";
import { settingDescriptions } from "../../src/config.ts";
import { jsonLimits } from "../../src/formats/bearable-json.ts";
import { root } from "./blocks.ts";

const page = readFileSync(join(root, "docs/security.md"), "utf8");
const section = page.split(/^## /m).find((each) => each.startsWith("Limits\n")) ?? "";
const rows = new Map(
  [...section.matchAll(/^\| ([^|]+?) \| ([^|]+?) \|/gm)].map(([, what = "", number = ""]) => [what, number]),
);
const shown = (number: number) => number.toLocaleString("en");

test.each([
  ["a webhook's JSON", [shown(jsonLimits.values), shown(jsonLimits.valuesOfOneList), `${jsonLimits.depth} deep`]],
  ["an answer of another side", [`${callLimits.maxAnswerBytes / 1e6} MB`]],
  ["another side's Retry-After", [{ 6: "six" }[callLimits.maxRetryAfterSeconds / 3600] ?? "?", "hours"]],
  ["looking a name up", [`${nameLimits.timeoutMs / 1000} s`]],
  [
    "calls to one provider host",
    [{ 0.25: "a quarter" }[targetLimits.firstShare] ?? "?", { 0.75: "three quarters" }[targetLimits.maxShare] ?? "?"],
  ],
  ["a host that does not answer", [{ 5: "five" }[targetLimits.maxUnanswered] ?? "?"]],
] as const)("the page of limits has the number of %s as the code has it", (what, numbers) => {
  for (const number of numbers) expect(rows.get(what)).toContain(number);
});

test("each setting that the page of limits names is one", () => {
  const names = [...section.matchAll(/`([A-Z][A-Z_0-9]+)`/g)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(Object.keys(settingDescriptions)).toContain(name);
});
