import { readFileSync } from "node:fs";
import { Router } from "express";
import { listKeys } from "../../../store/keys.ts";
import { countSealed } from "../../../store/operate/sealed-values.ts";
import type { Database } from "../../../store/postgres/database.ts";
import { readStanding } from "../../../store/standing.ts";

export interface StatusContext {
  database: Database;
  /** Of ENCRYPTION_KEYS, the one that seals first. */
  keyIds: readonly string[];
  /** Each setting as this process has it, by its name; of secrets, whether they are set. */
  settings: Record<string, string> | undefined;
}

const { version } = JSON.parse(readFileSync(new URL("../../../../package.json", import.meta.url), "utf8"));
const startedAt = new Date();
const maxKeys = 100;

/**
 * `GET /admin/status` 200: the version, the database and its migrations, the settings as this process has them, how many
 * sealed values each encryption key opens, the newest keys with their ages, and how things stand. For ADMIN_API_KEY alone.
 */
export function statusRoutes({ database, keyIds, settings = {} }: StatusContext): Router {
  const router = Router();
  router.get("/", async (_req, res) => {
    const { people } = database;
    const sealed = new Map((await countSealed(people)).map(({ keyId, count }) => [keyId, count]));
    res.json({
      ...{ version, node: process.version, startedAt },
      database: { ...(await database.describe()), isPooled: database.isPooled },
      settings,
      encryptionKeys: keyIds.map((keyId, index) => {
        return { keyId, seals: index === 0, sealedValues: sealed.get(keyId) ?? 0 };
      }),
      keys: await listKeys(people, { limit: maxKeys }),
      standing: await readStanding(people),
    });
  });
  return router;
}
