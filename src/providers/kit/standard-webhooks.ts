import { createHmac } from "node:crypto";
import { shape } from "./credentials.ts";
import type { Proof } from "./proofs.ts";
import { decodePublicKey } from "./public-keys.ts";
import { hmac, inHeader, publicKeySignature } from "./signatures.ts";

/**
 * HMAC-SHA256 (`v1`) or Ed25519 (`v1a`) over id, timestamp and body, any of several signatures:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 * The key's form says which of them counts, never the sender. Svix, from which it comes, names the headers `svix-…`.
 */
export function standardWebhooks<Given>(recipe: {
  key(credentials: Given): string;
  names?: "webhook" | "svix";
}): Proof<Given> {
  const { names = "webhook" } = recipe;
  const signature = (prefix: string) =>
    inHeader(`${names}-signature`, {
      ...{ nonce: `${names}-id`, timestamp: `${names}-timestamp`, over: "{nonce}.{timestamp}.{body}" },
      ...{ prefix, separator: " " },
    });
  const byMac = hmac<Buffer>({ source: signature("v1,"), hash: "sha256", encoding: "base64", key: (bytes) => bytes });
  const byKey = publicKeySignature<string>({ source: signature("v1a,"), type: "ed25519", key: (base64) => base64 });
  const { check: _check, sign: _sign, begin: _begin, ...places } = byMac;
  return {
    ...places,
    sign(request, credentials) {
      const bytes = decodeSecret(recipe.key(credentials));
      return bytes && byMac.sign?.(request, bytes);
    },
    begin(request, credentials) {
      const bytes = decodeSecret(recipe.key(credentials));
      return bytes && byMac.begin?.(request, bytes);
    },
    check(request, credentials, decode) {
      const secret = recipe.key(credentials);
      const bytes = decodeSecret(secret);
      if (bytes) return byMac.check(request, bytes, decode);
      return isPublicKey(secret) && byKey.check(request, secret.slice(publicPrefix.length), decode);
    },
  };
}

/** The headers of a webhook of ours; `secretKey` is a decoded secret. */
export function signWebhook(secretKey: Buffer, id: string, at: Date, body: Buffer): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const mac = createHmac("sha256", secretKey).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${mac}` };
}

/** The key in `whsec_` and base64; `undefined` for anything else, or a key of a length that the specification does not allow. */
export function decodeSecret(secret: string): Buffer | undefined {
  const bytes = /^whsec_[A-Za-z0-9+/]+=*$/.test(secret) ? Buffer.from(secret.slice(6), "base64") : undefined;
  return bytes && bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}

/** The key with which both sides sign. */
export const webhookSecret = shape(
  (value) => decodeSecret(value) !== undefined,
  "must be whsec_ and 24 to 64 random bytes in base64",
);

/** The same, or the other side's public key. */
export const webhookKey = shape(
  (value) => webhookSecret.isFit(value) || isPublicKey(value),
  `${webhookSecret.fits}, or for Ed25519 whpk_ and 32 bytes in base64`,
);

const publicPrefix = "whpk_";

/** Is it `whpk_` and a public key in base64? */
function isPublicKey(secret: string): boolean {
  return secret.startsWith(publicPrefix) && decodePublicKey("ed25519", secret.slice(publicPrefix.length)) !== undefined;
}
