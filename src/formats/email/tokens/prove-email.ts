import { createHmac, timingSafeEqual } from "node:crypto";

/** An email as a token in it means it: by its time as well, as a database that was restored gives the same numbers again. */
export interface EmailOfToken {
  id: number;
  receivedAt: Date;
}

/** What a proof is for, and how it is written. */
interface ProofForm {
  use: "reply" | "unsubscribe";
  encoding: "hex" | "base64url";
  length: number;
}

/** The proof that we wrote a token into this email, which nobody makes who does not know the secret. */
export const proveEmail = (secret: Buffer, { id, receivedAt }: EmailOfToken, { use, encoding, length }: ProofForm) =>
  createHmac("sha256", secret).update(`${use} ${id} ${receivedAt.getTime()}`).digest(encoding).slice(0, length);

export function isProofOf(secret: Buffer, given: string, email: EmailOfToken, form: ProofForm): boolean {
  const [proof, sought] = [Buffer.from(proveEmail(secret, email, form)), Buffer.from(given)];
  return proof.length === sought.length && timingSafeEqual(proof, sought);
}
