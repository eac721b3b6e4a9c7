import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * A token in the URL by which a person unsubscribes, as in `1z.Pz0c…`: which email, and the proof that we wrote it there. It
 * says nothing of the person, and nobody makes one who does not know the secret, which no key is shown.
 */
const written = /^([0-9a-z]{1,11})\.([\w-]{22})$/;

export const writeUnsubscribeToken = (secret: Buffer, messageId: number): string =>
  `${messageId.toString(36)}.${proofOf(secret, messageId)}`;

/** Which email a token is for; undefined for one that we did not write. */
export function unsubscribedMessageId(secret: Buffer, token: string): number | undefined {
  const [, id, given = ""] = written.exec(token) ?? [];
  if (id === undefined) return undefined;
  const messageId = Number.parseInt(id, 36);
  const isProved = timingSafeEqual(Buffer.from(given), Buffer.from(proofOf(secret, messageId)));
  return isProved ? messageId : undefined;
}

const proofOf = (secret: Buffer, messageId: number) =>
  createHmac("sha256", secret).update(`unsubscribe ${messageId}`).digest("base64url").slice(0, 22);
