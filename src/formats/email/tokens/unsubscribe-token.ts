import { type EmailOfToken, isProofOf, proveEmail } from "./prove-email.ts";

/**
 * A token in the URL by which a person unsubscribes, as in `1z.Pz0c…`: which email, and the proof that we wrote it there. It
 * says nothing of the person, and nobody makes one who does not know the secret, which no key is shown.
 */
const written = /^([0-9a-z]{1,11})\.([\w-]{22})$/;

const form = { use: "unsubscribe", encoding: "base64url", length: 22 } as const;

export const writeUnsubscribeToken = (secret: Buffer, email: EmailOfToken): string =>
  `${email.id.toString(36)}.${proveEmail(secret, email, form)}`;

/** Which email a token says that it is for; undefined for what is no token. */
export function unsubscribedMessageId(token: string): number | undefined {
  const [, id] = written.exec(token) ?? [];
  return id === undefined ? undefined : Number.parseInt(id, 36);
}

/** Did we write it into this email? */
export const isUnsubscribeTokenOf = (secret: Buffer, token: string, email: EmailOfToken): boolean =>
  unsubscribedMessageId(token) === email.id && isProofOf(secret, token.split(".")[1] ?? "", email, form);
