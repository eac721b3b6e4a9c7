import { createCipheriv, createHash, randomBytes } from "node:crypto";

/** As HighLevel's page gives it to its frames; of a text as it stands. */
export function sealUserContext(user: unknown, sharedSecret: string): string {
  const salt = randomBytes(8);
  const derived: Buffer[] = [];
  for (let round = 0; round < 3; round++) {
    const hash = createHash("md5").update(derived.at(-1) ?? "");
    derived.push(hash.update(sharedSecret).update(salt).digest());
  }
  const bytes = Buffer.concat(derived);
  const cipher = createCipheriv("aes-256-cbc", bytes.subarray(0, 32), bytes.subarray(32));
  const sealed = Buffer.concat([cipher.update(typeof user === "string" ? user : JSON.stringify(user)), cipher.final()]);
  return Buffer.concat([Buffer.from("Salted__"), salt, sealed]).toString("base64");
}
