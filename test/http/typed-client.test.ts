import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDocument } from "../../src/http/openapi/document.ts";
import { adminApiKey, startTestBridge, type TestBridge } from "../support/bridge.ts";

const root = join(import.meta.dirname, "../..");
const [, example = ""] = /```ts\n([\s\S]+?)```/.exec(readFileSync(join(root, "docs/api.md"), "utf8")) ?? [];

const packages = join(root, "tools/typed-client/node_modules");
const isInstalled = existsSync(packages);
if (!isInstalled) process.stdout.write("The typed client is skipped: run npm ci --prefix tools/typed-client\n");

/** The bridge answers in this process: nobody waits for the other without letting it go on. */
const node = promisify(execFile);
const options = [
  "--noEmit",
  "--strict",
  "--module",
  "nodenext",
  "--target",
  "es2022",
  "--skipLibCheck",
  "--ignoreConfig",
];
const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types"), "--allowImportingTsExtensions"];

describe.skipIf(!isInstalled)("the client in docs/api.md", () => {
  let bridge: TestBridge;
  /** Below the packages that the example names. */
  let folder: string;
  beforeAll(async () => {
    bridge = await startTestBridge();
    folder = mkdtempSync(join(packages, ".example-"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "openapi.json"), JSON.stringify(createDocument()));
    const cli = join(packages, "openapi-typescript/bin/cli.js");
    await node(process.execPath, [cli, "openapi.json", "-o", "api.d.ts"], { cwd: folder });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await bridge.stop();
  });

  /** Throws for what does not fit its types. */
  async function check(name: string, source: string): Promise<void> {
    writeFileSync(join(folder, name), source);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    await node(process.execPath, [tsc, ...options, ...types, join(folder, name)], { cwd: folder });
  }

  test("fits the types that openapi-typescript makes, and runs", async () => {
    await check("client.ts", example);
    const run = (key: string) =>
      node(process.execPath, ["--import", "tsx", join(folder, "client.ts")], {
        env: { BRIDGE: bridge.url, ADMIN_API_KEY: key },
      });
    expect((await run(adminApiKey)).stdout).toBe("");
    await expect(run("another-key")).rejects.toThrow("send the header Authorization");
  });

  test("is not let do what the API refuses", async () => {
    const wrong = example.replace('state: "dead"', 'state: "buried"');
    await expect(check("wrong.ts", wrong)).rejects.toMatchObject({ stdout: expect.stringContaining("buried") });
  });
});
