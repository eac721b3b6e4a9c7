import { createPublicKey, type KeyObject } from "node:crypto";

/** What comes before the 32 bytes of a key in its DER form (SPKI): https://www.rfc-editor.org/rfc/rfc8410#section-4 */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

export const ed25519KeyMessage = "32 bytes in base64";

/** A raw Ed25519 public key in base64, ready to verify with; `undefined` when it is none. */
export function decodeEd25519Key(base64: string): KeyObject | undefined {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length !== 32) return undefined;
  return createPublicKey({ format: "der", type: "spki", key: Buffer.concat([spkiPrefix, bytes]) });
}
