import { type EmailOfToken, isProofOf, proveEmail } from "./prove-email.ts";

/**
 * A token in the address that an email is to be answered at, as in `support+b.1z.3f0c…@example.com`: which email, and the
 * proof that we wrote it there. It outlives mail programs that keep no ids. In lower case, as servers may make it so; it
 * says nothing to who does not know the secret, which no key is shown.
 */
const written = /(?:\+|%2b|&#43;)b\.([0-9a-z]{1,11}\.[0-9a-f]{20})(?=@|%40|&#64;)/gi;

/** A local part is no longer: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.1 */
const maxLocalLength = 64;

/** The mailbox with a token for an email; undefined for one that has no room for it. */
export function withReplyToken(secret: Buffer, mailbox: string, email: EmailOfToken): string | undefined {
  const at = mailbox.lastIndexOf("@");
  const local = `${mailbox.slice(0, at)}+b.${email.id.toString(36)}.${proveEmail(secret, email, form)}`;
  return local.length > maxLocalLength || local.includes('"') ? undefined : local + mailbox.slice(at);
}

/** Addresses, or any text that quotes them, without tokens. */
export const withoutReplyTokens = (text: string): string => text.replace(written, "");

/** The tokens in addresses, each once. */
export function replyTokensOf(addresses: string[]): string[] {
  const tokens = addresses.flatMap((address) => [...address.matchAll(written)].map(([, token = ""]) => token));
  return [...new Set(tokens.map((token) => token.toLowerCase()))];
}

/** Which email a token says that it is for. */
export const repliedMessageId = (token: string): number => Number.parseInt(token, 36);

/** Did we write it into this email? */
export const isReplyTokenOf = (secret: Buffer, token: string, email: EmailOfToken): boolean =>
  repliedMessageId(token) === email.id && isProofOf(secret, token.split(".")[1] ?? "", email, form);

const form = { use: "reply", encoding: "hex", length: 20 } as const;
