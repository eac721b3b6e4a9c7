import { createPublicKey, type KeyObject } from "node:crypto";

/** What comes before the 32 bytes of a key in its DER form (SPKI): https://www.rfc-editor.org/rfc/rfc8410#section-4 */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

export const ed25519KeyMessage = "32 bytes in base64";

const decoded = new Map<string, KeyObject | undefined>();
const mostDecoded = 1000;

/** A raw Ed25519 public key in base64, ready to verify with; `undefined` when it is none. Remembered: making it is dear. */
export function decodeEd25519Key(base64: string): KeyObject | undefined {
  if (decoded.size > mostDecoded) decoded.clear();
  if (!decoded.has(base64)) decoded.set(base64, decode(base64));
  return decoded.get(base64);
}

function decode(base64: string): KeyObject | undefined {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length !== 32) return undefined;
  return createPublicKey({ format: "der", type: "spki", key: Buffer.concat([spkiPrefix, bytes]) });
}
