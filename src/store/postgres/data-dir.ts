import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "fs-native-extensions";
import { ConfigError } from "../../errors.ts";

/**
 * Takes the directory of the embedded database for this process alone. The lock is the kernel's: it ends with the
 * process however that ends, and holds across containers that share the directory on one machine.
 * Two processes in one directory would silently lose each other's rows.
 */
export function lockDataDir(dataDir: string): { unlock(): void } {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  closeToOthers(dataDir);
  const file = openSync(join(dataDir, "lock"), "a+", 0o600);
  if (!tryLock(file)) {
    closeSync(file);
    throw new ConfigError(
      `DATA_DIR ${dataDir} is in use by another bridge process. The embedded database serves one process: ` +
        "stop the other one, give this one a DATA_DIR of its own, or set DATABASE_URL to share a PostgreSQL.",
    );
  }
  return { unlock: () => closeSync(file) };
}

/** Of a directory that was there before. One that belongs to somebody else keeps the mode that its owner gave it. */
function closeToOthers(dataDir: string): void {
  const { mode, uid } = statSync(dataDir);
  if (uid === process.getuid?.() && (mode & 0o077) !== 0) chmodSync(dataDir, 0o700);
}

/** The key made at the first start on the embedded database and kept beside it, readable by its owner only. */
export function readOrCreateEncryptionKey(dataDir: string): Buffer {
  const path = join(dataDir, "encryption-key");
  try {
    writeFileSync(path, `${randomBytes(32).toString("base64")}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  chmodSync(path, 0o600);
  const key = Buffer.from(readFileSync(path, "utf8").trim(), "base64");
  if (key.length !== 32) throw new ConfigError(`${path} does not hold 32 bytes in base64: restore it from a backup.`);
  return key;
}
