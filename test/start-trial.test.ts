import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { readConfig } from "../src/config.ts";
import { createTrials } from "../src/start-trial.ts";
import { lockDataDir } from "../src/store/postgres/data-dir.ts";
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

test("of a trial that cannot start, and of one whose process was killed, nothing stays; one that runs keeps what it has", async () => {
  const folder = mkdtempSync(join(tmpdir(), "failed-trial-"));
  const servers = () => process.getActiveResourcesInfo().filter((each) => each === "TCPServerWrap").length;
  const before = servers();
  vi.stubEnv("TMPDIR", folder);
  const [killed, running] = ["killed", "running"].map((name) => join(folder, `conversation-bridge-trial-${name}`));
  // The lock of a process that is killed goes with it, and the file stays.
  lockDataDir(killed ?? "").unlock();
  const { unlock } = lockDataDir(running ?? "");
  try {
    const starting = createTrials(readConfig({}), log).start?.();
    expect(existsSync(killed ?? "")).toBe(false);
    // It has made its directory and waits for a port: where the database's lock will be, a directory is in the way.
    for (const name of readdirSync(folder)) mkdirSync(join(folder, name, "data/lock"), { recursive: true });
    await expect(starting).rejects.toThrow("EISDIR");
    expect(readdirSync(folder)).toEqual(["conversation-bridge-trial-running"]);
    await until(servers, (count) => count === before);
  } finally {
    unlock();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});

test("what leads elsewhere under a trial's name is neither opened nor followed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "led-away-"));
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  chmodSync(elsewhere, 0o755);
  const link = "conversation-bridge-trial-link";
  symlinkSync(elsewhere, join(folder, link));
  vi.stubEnv("TMPDIR", folder);
  try {
    const starting = createTrials(readConfig({}), log).start?.();
    const own = readdirSync(folder).find((name) => name !== link && name !== "elsewhere") ?? "";
    mkdirSync(join(folder, own, "data/lock"), { recursive: true });
    await expect(starting).rejects.toThrow("EISDIR");
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(statSync(elsewhere).mode & 0o777).toBe(0o755);
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});
