import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { listMarkdown, root } from "./blocks.ts";

const inRoot = readdirSync(root).filter((file) => file.endsWith(".md"));
const files = [
  ...inRoot,
  ...["docs", "bench", ".github"].filter((each) => existsSync(join(root, each))).flatMap(listMarkdown),
];
const textOf = (file: string) => readFileSync(join(root, file), "utf8");
/** What stands in a block of code, or between backticks, is no link and no heading. */
const withoutCode = (text: string) => text.replace(/^ *```.*?^ *```$/gms, "").replace(/`[^`\n]*`/g, "``");

/** As GitHub makes them: https://docs.github.com/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links */
function anchorsOf(file: string): Set<string> {
  const headings = textOf(file)
    .replace(/^ *```.*?^ *```$/gms, "")
    .matchAll(/^#{1,6} (.+)$/gm);
  const anchors = new Set<string>();
  for (const [, heading = ""] of headings) {
    const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "");
    const anchor = words.trim().replace(/\s/g, "-");
    const count = [...anchors].filter((each) => each === anchor || each.replace(/-\d+$/, "") === anchor).length;
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return anchors;
}

function linksOf(file: string): string[] {
  const text = withoutCode(textOf(file));
  const targets = [/\]\(([^)\s]+)\)/g, /\b(?:src|href)="([^"]+)"/g].flatMap((link) => [...text.matchAll(link)]);
  return targets.map(([, target = ""]) => target).filter((target) => !/^[a-z]+:/.test(target));
}

function isBroken(file: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? file : normalize(join(dirname(file), path));
  if (!existsSync(join(root, target))) return true;
  if (anchor === undefined) return false;
  return statSync(join(root, target)).isDirectory() || !anchorsOf(target).has(anchor);
}

test.each(files)("every link of %s leads somewhere, with its anchor", (file) => {
  expect(linksOf(file).filter((link) => isBroken(file, link))).toEqual([]);
});

test("a broken link would be seen", () => {
  expect(isBroken("README.md", "docs/nowhere.md")).toBe(true);
  expect(isBroken("README.md", "docs/connect.md#nowhere")).toBe(true);
  expect(isBroken("docs/connect.md", "security.md#keys-that-seal")).toBe(false);
});

test("the documentation's index names every page", () => {
  const named = linksOf("docs/README.md").map((link) => normalize(join("docs", link)));
  const pages = listMarkdown("docs").filter((page) => dirname(page) === "docs" && page !== "docs/README.md");
  expect(pages.filter((page) => !named.includes(page))).toEqual([]);
  const decisions = linksOf("docs/decisions/README.md").map((link) => normalize(join("docs/decisions", link)));
  const records = listMarkdown("docs/decisions").filter((page) => page !== "docs/decisions/README.md");
  expect(decisions.sort()).toEqual(records);
});
