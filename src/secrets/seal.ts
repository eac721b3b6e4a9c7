import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const nonceBytes = 12;
const tagBytes = 16;

export interface Sealer {
  /** `context` says what is sealed for whom; the same must be given to open it, so that sealed values cannot be swapped. */
  seal(plain: string, context: string): string;
  /** Which key has sealed a value stands before its dot. The first is the one that seals. */
  keyIds: readonly [string, ...string[]];
  /** Throws when no key fits or the value was tampered with. */
  open(sealed: string, context: string): string;
}

/** AES-256-GCM under the first of the keys; opens what any of them sealed, so that keys can rotate. Keys are 32 bytes. */
export function createSealer(keys: readonly Buffer[]): Sealer {
  const [first] = keys;
  if (!first) throw new Error("a sealer needs a key");
  const keyById = new Map(keys.map((key) => [keyIdOf(key), key]));

  const [firstId, ...otherIds] = keys.map(keyIdOf);
  return {
    keyIds: [firstId ?? keyIdOf(first), ...otherIds],
    seal(plain, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", first, nonce).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([nonce, cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${keyIdOf(first)}.${sealed.toString("base64url")}`;
    },
    open(sealed, context) {
      const [keyId = "", encoded = ""] = sealed.split(".");
      const key = keyById.get(keyId);
      if (!key) throw new Error(`sealed with key ${keyId}, which is not among ENCRYPTION_KEYS: add that key back`);
      const bytes = Buffer.from(encoded, "base64url");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-tagBytes));
      return decipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, "utf8") + decipher.final("utf8");
    },
  };
}

/** Tells keys apart without telling anything of them. */
function keyIdOf(key: Buffer): string {
  return createHash("sha256").update("conversation-bridge key id").update(key).digest("hex").slice(0, 8);
}
