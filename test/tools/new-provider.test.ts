import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyPart } from "../support/copy-part.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const copied = [
  "src",
  "test",
  "tools",
  "docs",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
  "biome.json",
  "demo",
];

/** Runs a tool in the copy; what it says stands in the error. */
const runs = (folder: string, tool: string, ...args: string[]) =>
  run(process.execPath, [join(root, "node_modules", tool), ...args], { cwd: folder, maxBuffer: 50_000_000 });

describe("a new provider", () => {
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "new-provider-"));
    for (const each of copied) copyPart(each, folder);
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [name, channel] of [["acme-sms", "sms"] as const, ["zenith", "email"] as const])
      await runs(folder, "tsx/dist/cli.mjs", "tools/new-provider.ts", name, "--channel", channel);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is in the registry, and passes the type check", async () => {
    const registry = readFileSync(join(folder, "src/providers/registry.ts"), "utf8");
    expect(registry).toMatch(/ {2}"acme-sms": acmeSms,\n {2}zenith,\n\};/);
    // What knows providers by name or by type, and what has been written; the rest is not changed by one more.
    const signers = ["acme-sms", "zenith"].map((name) => `test/fixtures/${name}/sign.ts`);
    const include = ["src/providers", "src/inbox", "test/support/providers.ts", ...signers];
    const checked = { extends: "./tsconfig.json", include };
    writeFileSync(join(folder, "tsconfig.check.json"), JSON.stringify(checked));
    // Several threads would check much of it once each.
    await runs(folder, "typescript/bin/tsc", "-p", "tsconfig.check.json", "--singleThreaded");
  }, 300_000);

  test("passes the contract at once, and a stand-in can be made of it", async () => {
    const suites = ["test/providers/contract.test.ts", "test/support/stand-ins.test.ts"];
    await runs(folder, "vitest/vitest.mjs", "run", "--reporter=dot", "-t", "acme-sms|zenith", ...suites);
  }, 300_000);

  test("is refused under a name that is taken, or is none", async () => {
    for (const args of [["acme-sms", "--channel", "sms"], ["../x", "--channel", "sms"], ["acme"]])
      await expect(runs(folder, "tsx/dist/cli.mjs", "tools/new-provider.ts", ...args)).rejects.toThrow(
        /there already|Usage/,
      );
  }, 120_000);
});
