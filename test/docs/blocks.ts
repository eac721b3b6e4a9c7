import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** A fenced block of shell commands on a page. */
export interface Block {
  /** From the root, such as `docs/connect.md`. */
  page: string;
  line: number;
  commands: string;
  /** Why it is not run, as the comment right before it says. */
  notRun: string | undefined;
}

/** The README, and all pages below docs. */
export function listPages(): string[] {
  return ["README.md", ...listMarkdown("docs")];
}

/** All Markdown below a folder, from the root. */
export function listMarkdown(folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
    .map((file) => join(folder, file))
    .sort();
}

const fence = /(?:^ *<!-- not run by test\/docs: (?<notRun>.*?) -->\n)?^(?<indent> *)```sh\n(?<commands>.*?)^ *```$/gms;

/** The blocks marked `sh`, in their order. */
export function readBlocks(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(fence)].map(({ index, groups = {} }) => {
    const { commands = "", indent = "", notRun } = groups;
    const line = text.slice(0, index).split("\n").length;
    return { page, line, notRun, commands: commands.replaceAll(new RegExp(`^${indent}`, "gm"), "") };
  });
}
