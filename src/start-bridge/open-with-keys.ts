import { hkdfSync } from "node:crypto";
import type { Config } from "../config.ts";
import { ConfigError } from "../errors.ts";
import { declareFiles } from "../registry/provider-files.ts";
import { openEmailSecret } from "../registry/sealed/email-secret.ts";
import { requireKeys, resealStep } from "../registry/sealed/reseal.ts";
import { createSealer } from "../secrets/seal.ts";
import { listAudit } from "../store/operate/audit.ts";
import { readOrCreateEncryptionKey } from "../store/postgres/data-dir.ts";
import type { Database } from "../store/postgres/database.ts";
import { openDatabase } from "../store/postgres/open-database.ts";

/**
 * The database, once it is certain that these keys open all that is sealed in it. Documents that nobody can take stop the
 * start before anything is opened.
 */
export async function openWithKeys(config: Config, startSeconds: number) {
  if (config.providersDir !== undefined) await declareFiles(config.providersDir);
  const database = await openDatabase(
    "url" in config.database ? { ...config.database, startSeconds } : config.database,
  );
  try {
    const keys = encryptionKeys(config);
    const sealer = createSealer(keys);
    await requireKeys({ db: database.db, sealer });
    return { database, keys, sealer, emailSecret: await openEmailSecret({ db: database.db, sealer }) };
  } catch (error) {
    await database.close();
    throw error;
  }
}

function encryptionKeys(config: Config): Buffer[] {
  if (config.encryptionKeys) return config.encryptionKeys;
  if ("dataDir" in config.database) return [readOrCreateEncryptionKey(config.database.dataDir)];
  throw new ConfigError("ENCRYPTION_KEYS is not set");
}

/** Where none is set, one that is made of the key that seals, and so lies nowhere. */
export async function findKeys({ adminApiKeys }: Config, { people }: Database, [first]: Buffer[]) {
  if (adminApiKeys.length > 0) return { adminApiKeys, ownKey: undefined };
  if (!first) throw new ConfigError("ADMIN_API_KEY is not set");
  const key = Buffer.from(hkdfSync("sha256", first, "", "admin api key", 32)).toString("base64url");
  const { rows } = await listAudit(people, { limit: 1 });
  return { adminApiKeys: [key], ownKey: { key, isNew: rows.length === 0 } };
}

/** Seals anew all that an earlier key has sealed, for `npm run reseal`. */
export async function resealAll(config: Config): Promise<void> {
  const { database, sealer } = await openWithKeys(config, 30);
  try {
    while (await resealStep({ db: database.db, sealer }));
  } finally {
    await database.close();
  }
}
