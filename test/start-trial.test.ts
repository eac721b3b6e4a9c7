import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readConfig } from "../src/config.ts";
import { createTrials } from "../src/start-trial.ts";
import { until } from "./support/until.ts";

const log = () => undefined;
const settings = { ADMIN_API_KEY: "x".repeat(32), PUBLIC_URL: "http://127.0.0.1:3000", HOST: "127.0.0.1" };

test.each<[string, Record<string, string>, boolean]>([
  ["nothing is set", {}, true],
  ["all of it is this machine's", settings, true],
  ["the server listens for others", { ...settings, HOST: "0.0.0.0" }, false],
  ["a proxy hands on what others ask", { ...settings, PUBLIC_URL: "https://bridge.example.com" }, false],
  ["the name only begins like this machine's", { ...settings, PUBLIC_URL: "http://127.0.0.1.example.com" }, false],
])("a trial is offered where nobody else reaches the bridge: %s", (_what, environment, isOffered) => {
  expect(createTrials(readConfig(environment), log).start !== undefined).toBe(isOffered);
});

test("of a trial that cannot start, and of one whose process was killed, nothing stays", async () => {
  const folder = mkdtempSync(join(tmpdir(), "failed-trial-"));
  const servers = () => process.getActiveResourcesInfo().filter((each) => each === "TCPServerWrap").length;
  const before = servers();
  vi.stubEnv("TMPDIR", folder);
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  mkdirSync(join(folder, `conversation-bridge-trial-${gone}-killed`));
  try {
    const starting = createTrials(readConfig({}), log).start?.();
    // It has made its directory and waits for a port: where the database's lock will be, a directory is in the way.
    for (const dataDir of readdirSync(folder)) mkdirSync(join(folder, dataDir, "lock"));
    await expect(starting).rejects.toThrow("EISDIR");
    expect(readdirSync(folder)).toEqual([]);
    await until(servers, (count) => count === before);
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});
