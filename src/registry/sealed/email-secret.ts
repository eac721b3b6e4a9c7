import { randomBytes } from "node:crypto";
import type { Sealer } from "../../secrets/seal.ts";
import { keepFirstSecret } from "../../store/operate/own-secrets.ts";
import type { Db } from "../../store/postgres/database.ts";

/** It is sealed for nothing else. */
export const emailSecretContext = "secret of emails";

/**
 * 32 bytes by which tokens in emails prove that we wrote them: how to unsubscribe, and which email an answer is to. Made once
 * for a database and never changed, so that links in emails outlive the rotation of ENCRYPTION_KEYS; no key is shown it.
 */
export async function openEmailSecret({ db, sealer }: { db: Db; sealer: Sealer }): Promise<Buffer> {
  const made = sealer.seal(randomBytes(32).toString("base64"), emailSecretContext);
  return Buffer.from(sealer.open(await keepFirstSecret(db, "emails", made), emailSecretContext), "base64");
}
