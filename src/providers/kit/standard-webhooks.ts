import { createHmac, type KeyObject, verify as verifyEd25519 } from "node:crypto";
import type { WebhookRequest } from "../../model.ts";
import { isSame } from "../../secrets/compare.ts";
import { decodeEd25519Key } from "./ed25519.ts";
import { isFresh } from "./freshness.ts";

/**
 * HMAC-SHA256 (`v1`) or Ed25519 (`v1a`) over id, timestamp and body, any of several signatures:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function verifyWebhook({ headers, body, receivedAt }: WebhookRequest, secret: string): boolean {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!id || !isFresh(timestamp, receivedAt)) return false;
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const given = (headers["webhook-signature"] ?? "").split(" ", mostSignatures);

  const hmacKey = decodeSecret(secret);
  if (hmacKey) {
    const expected = sign(hmacKey, signed);
    return given.some((signature) => isSame(signature, expected));
  }
  const publicKey = decodePublicKey(secret);
  if (!publicKey) return false;
  return given
    .filter((signature) => signature.startsWith("v1a,"))
    .map((signature) => Buffer.from(signature.slice(4), "base64"))
    .some((signature) => signature.length === 64 && verifyEd25519(null, signed, publicKey, signature));
}

/** Each costs a check of the whole body, before we know who asks for it. */
const mostSignatures = 10;

/** The headers of a webhook of ours; `secretKey` is a decoded secret. */
export function signWebhook(secretKey: Buffer, id: string, at: Date, body: Buffer): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": sign(secretKey, signed) };
}

function sign(secretKey: Buffer, signed: Buffer): string {
  return `v1,${createHmac("sha256", secretKey).update(signed).digest("base64")}`;
}

/** The key in `whsec_` and base64; `undefined` for anything else, or a key of a length that the specification does not allow. */
export function decodeSecret(secret: string): Buffer | undefined {
  const bytes = /^whsec_[A-Za-z0-9+/]+=*$/.test(secret) ? Buffer.from(secret.slice(6), "base64") : undefined;
  return bytes && bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}

/** The key in `whpk_` and base64; `undefined` for anything else. */
export function decodePublicKey(secret: string): KeyObject | undefined {
  return secret.startsWith("whpk_") ? decodeEd25519Key(secret.slice(5)) : undefined;
}
