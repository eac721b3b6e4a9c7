import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * A token in the URL by which a person unsubscribes, as in `1z.Pz0c…`: which email, and the proof that we wrote it there. It
 * says nothing of the person, and nobody makes one who does not know the secret, which no key is shown.
 */
const written = /^([0-9a-z]{1,11})\.([\w-]{22})$/;

export const writeUnsubscribeToken = (secret: Buffer, email: { mappingId: string; messageId: number }): string =>
  `${email.messageId.toString(36)}.${proofOf(secret, email)}`;

/** Which email a token is for, if it is one that we wrote: of that its mapping must be known first. */
export function unsubscribedMessageId(token: string): number | undefined {
  const [, id] = written.exec(token) ?? [];
  return id === undefined ? undefined : Number.parseInt(id, 36);
}

export function isUnsubscribeToken(secret: Buffer, token: string, mappingId: string): boolean {
  const [, id = "", given = ""] = written.exec(token) ?? [];
  const proof = proofOf(secret, { mappingId, messageId: Number.parseInt(id, 36) });
  return given.length === proof.length && timingSafeEqual(Buffer.from(given), Buffer.from(proof));
}

const proofOf = (secret: Buffer, { mappingId, messageId }: { mappingId: string; messageId: number }) =>
  createHmac("sha256", secret).update(`unsubscribe ${mappingId} ${messageId}`).digest("base64url").slice(0, 22);
