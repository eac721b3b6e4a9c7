import { version } from "../../../package.ts";
import { listKeys } from "../../../store/keys.ts";
import { countSealed } from "../../../store/operate/sealed-values.ts";
import type { Database } from "../../../store/postgres/database.ts";
import { readStanding } from "../../../store/standing.ts";
import { statusAnswer } from "../../answers/operator.ts";
import { operation, reply } from "../../operations/operation.ts";

export interface StatusContext {
  database: Database;
  /** Of ENCRYPTION_KEYS, the one that seals first. */
  keyIds: readonly string[];
  /** Each setting as this process has it, by its name; of secrets, whether they are set. */
  settings: Record<string, string> | undefined;
}

const startedAt = new Date();
const maxKeys = 100;

export const statusOperations = {
  getStatus: operation({
    method: "GET",
    path: "/admin/status",
    tag: "Status",
    summary: "Tells the version, the database, the settings as this process has them, and how things stand.",
    by: "operator",
    answers: { 200: statusAnswer },
    async handle({ database, keyIds, settings = {} }: StatusContext) {
      const { people } = database;
      const [counted, described, keys, standing] = await Promise.all([
        countSealed(people),
        database.describe(),
        listKeys(people, { limit: maxKeys }),
        readStanding(people),
      ]);
      const sealed = new Map(counted.map(({ keyId, count }) => [keyId, count]));
      return reply(200, {
        ...{ version, node: process.version, startedAt },
        database: { ...described, isPooled: database.isPooled },
        settings,
        encryptionKeys: keyIds.map((keyId, index) => {
          return { keyId, seals: index === 0, sealedValues: sealed.get(keyId) ?? 0 };
        }),
        keys,
        standing,
      });
    },
  }),
};
