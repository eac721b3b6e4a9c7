import { appContext } from "../../access/marketplace-app.ts";
import { contextOfColumn } from "../../access/sealed-tokens.ts";
import { ConfigError } from "../../errors.ts";
import type { Sealer } from "../../secrets/seal.ts";
import { countSealed, listSealedByOthers, replaceSealed, type SealedValue } from "../../store/operate/sealed-values.ts";
import type { Db } from "../../store/postgres/database.ts";
import { credentialsContext } from "../accounts.ts";
import { targetContext } from "../endpoints/endpoint-target.ts";
import { emailSecretContext } from "./email-secret.ts";

interface SealContext {
  db: Db;
  sealer: Sealer;
}

/** Throws a ConfigError where something is sealed by a key that is not there: else each webhook of it would be answered 503. */
export async function requireKeys({ db, sealer }: SealContext): Promise<void> {
  const unknown = (await countSealed(db)).filter(({ keyId }) => !sealer.keyIds.includes(keyId));
  const [first] = unknown;
  if (!first) return;
  const { owner, id, keyId } = first;
  const total = unknown.reduce((sum, { count }) => sum + count, 0);
  const others = total > 1 ? `, nor ${total - 1} more` : "";
  throw new ConfigError(
    `no key in ENCRYPTION_KEYS opens ${owner} ${id}${others}: it was sealed by key ${keyId}. Add that key back, behind the first.`,
  );
}

const stepSize = 100;

/** Seals anew, under the first key, some of what another one has sealed; `true` where there may be more. */
export async function resealStep({ db, sealer }: SealContext): Promise<boolean> {
  const values = await listSealedByOthers(db, sealer.keyIds[0], stepSize);
  for (const value of values) {
    const context = contextOf(value);
    await replaceSealed(db, value, sealer.seal(sealer.open(value.sealed, context), context));
  }
  return values.length === stepSize;
}

function contextOf({ owner, id, column }: SealedValue): string {
  if (owner === "account" || column === "sealed_credentials") return credentialsContext(id);
  if (owner === "endpoint" || column === "sealed_target") return targetContext(id);
  if (owner === "own" || column === "sealed_secret") return emailSecretContext;
  if (owner === "app" || column === "sealed_secrets") return appContext;
  return contextOfColumn({ kind: owner, id }, column);
}
