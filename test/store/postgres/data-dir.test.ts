import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lockDataDir, readOrCreateEncryptionKey } from "../../../src/store/postgres/data-dir.ts";

const dataDir = mkdtempSync(join(tmpdir(), "bridge-data-"));
afterAll(() => rmSync(dataDir, { recursive: true }));

const modulePath = join(import.meta.dirname, "../../../src/store/postgres/data-dir.ts");
const lockInAnotherProcess = `
  const { lockDataDir } = await import(${JSON.stringify(modulePath)});
  lockDataDir(${JSON.stringify(dataDir)});
  console.log("locked");
  setInterval(() => {}, 1000);`;
const node = (code: string) => ["--import", "tsx", "--input-type=module", "-e", code];

test("tells a second process that the directory is in use, and what to do", () => {
  const lock = lockDataDir(dataDir);
  expect(() => execFileSync(process.execPath, node(lockInAnotherProcess), { stdio: "pipe" })).toThrow(
    /is in use by another bridge process.*DATABASE_URL/,
  );
  lock.unlock();
});

test("is free again as soon as the holder is dead, however it died", async () => {
  const holder = spawn(process.execPath, node(lockInAnotherProcess));
  await once(holder.stdout, "data");
  expect(() => lockDataDir(dataDir)).toThrow("is in use");
  holder.kill("SIGKILL");
  await once(holder, "exit");
  lockDataDir(dataDir).unlock();
});

test("closes a directory to others that was open to them before", () => {
  chmodSync(dataDir, 0o755);
  lockDataDir(dataDir).unlock();
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
});

test("makes one encryption key, keeps it, and lets nobody else read it", () => {
  const key = readOrCreateEncryptionKey(dataDir);
  expect(key).toHaveLength(32);
  expect(readOrCreateEncryptionKey(dataDir)).toEqual(key);
  expect(statSync(join(dataDir, "encryption-key")).mode & 0o777).toBe(0o600);
});
