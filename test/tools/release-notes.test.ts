import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };

describe("the notes of a release", () => {
  const notes = (tag: string) => spawnSync("node", ["tools/release-notes.mjs", tag], { cwd: root, encoding: "utf8" });

  test("are that version's section of the changelog", () => {
    const { status, stdout } = notes(`v${version}`);
    expect(status).toBe(0);
    expect(stdout.trim().length).toBeGreaterThan(100);
    expect(stdout).not.toMatch(/^## /m);
    expect(read("CHANGELOG.md")).toContain(stdout.trim());
  });

  test("are refused for a tag that is not the version in package.json", () => {
    const { status, stderr } = notes("v999.0.0");
    expect(status).toBe(1);
    expect(stderr).toContain(`package.json says ${version}, and the tag v999.0.0`);
  });
});
