import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { shape } from "./credentials.ts";

/** What comes before the 32 bytes of a key in its DER form (SPKI): https://www.rfc-editor.org/rfc/rfc8410#section-4 */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

export type KeyType = "ed25519" | "rsa" | "ec";

/** An Ed25519 public key as a credential. */
export const ed25519Key = shape((text) => decodePublicKey("ed25519", text) !== undefined, "must be 32 bytes in base64");

/** A public key for ECDSA as a credential. */
export const ecKey = shape(
  (text) => decodePublicKey("ec", text) !== undefined,
  "must be a public key for ECDSA in base64, which begins with MF",
);

/** A public key for RSA as a credential. */
export const rsaKey = shape(
  (text) => decodePublicKey("rsa", text) !== undefined,
  "must be a public key for RSA: PEM, or the same in base64 without its first and last line",
);

/** An RSA private key as a credential: PEM, also with `\\n` in place of its line breaks, as settings files have it. */
export const rsaPrivateKey = shape(
  (text) => decodePrivateKey(text) !== undefined,
  "must be the whole of a private key, from -----BEGIN to the last dashes",
);

/** An RSA private key, ready to sign with; undefined when it is none. */
export function decodePrivateKey(text: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(text.replaceAll("\\n", "\n"));
    return key.asymmetricKeyType === "rsa" ? key : undefined;
  } catch {
    return undefined;
  }
}

const decoded = new Map<string, KeyObject | undefined>();
const maxDecoded = 1000;

/**
 * A public key, ready to verify with; `undefined` when it is none of this type. Ed25519: its 32 bytes in base64. RSA and
 * ECDSA: PEM, or the same without its armour. Remembered: making it is dear.
 */
export function decodePublicKey(type: KeyType, text: string): KeyObject | undefined {
  const id = `${type} ${text}`;
  if (decoded.size > maxDecoded) decoded.clear();
  if (!decoded.has(id)) decoded.set(id, decode(type, text));
  return decoded.get(id);
}

function decode(type: KeyType, text: string): KeyObject | undefined {
  try {
    const der = Buffer.from(text.replace(/-----[A-Z ]+-----/g, ""), "base64");
    if (type === "ed25519" && der.length !== 32) return undefined;
    const key = type === "ed25519" ? Buffer.concat([spkiPrefix, der]) : der;
    const decodedKey = createPublicKey({ format: "der", type: "spki", key });
    return decodedKey.asymmetricKeyType === type ? decodedKey : undefined;
  } catch {
    return undefined;
  }
}
