import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { spawnBridge } from "./support/bridge-process.ts";
import { copyEmbedded } from "./support/database.ts";

const dataDir = mkdtempSync(join(tmpdir(), "bridge-main-"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
const start = (environment: Record<string, string>) => spawnBridge(inject("program"), environment);
const enough = { PUBLIC_URL: "https://bridge.example.com", ADMIN_API_KEY: "k".repeat(32), DATA_DIR: dataDir };

test("does not start without what it needs, and says what that is", async () => {
  const { ADMIN_API_KEY } = enough;
  await expect(start({ ADMIN_API_KEY })).rejects.toThrow(
    /ended with 1: The bridge cannot start.\nPUBLIC_URL is not set/,
  );
  const wrong = start({ ...enough, DATABASE_URL: "postgres://x@127.0.0.1/x" });
  await expect(wrong).rejects.toThrow("ENCRYPTION_KEYS is not set");
});

test("starts on the embedded database, refuses a second process on it, and ends on SIGINT with 0", async () => {
  // Making a database takes ten times as long as opening one: docs/commands.test.ts has one made, by the README's commands.
  for (const folder of [dataDir, `${dataDir}/other`]) copyEmbedded(inject, folder);
  const bridge = await start(enough);
  expect((await fetch(`${bridge.url}/readyz`)).status).toBe(200);
  await expect(start(enough)).rejects.toThrow("is in use by another bridge process");
  const taken = { ...enough, DATA_DIR: `${dataDir}/other`, PORT: new URL(bridge.url).port };
  await expect(start(taken)).rejects.toThrow("set another PORT");
  bridge.kill("SIGINT");
  expect(await bridge.exited).toBe(0);
  const again = await start(enough);
  again.kill("SIGTERM");
  expect(await again.exited).toBe(0);
}, 240_000);
