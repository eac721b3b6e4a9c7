import { createHash } from "node:crypto";
import { ParseError } from "../../../errors.ts";
import type { Mail } from "../../../formats/mail.ts";
import { addressesOf } from "../../../formats/mailbox.ts";
import { openMime, parseMime } from "../../../formats/mime.ts";
import type { ProviderEvent, ProviderMessage, Verdicts } from "../../../model.ts";
import { ignored } from "../events.ts";

/** What a webhook can say of emails. */

export function mail(id: string, content: Mail, envelopeTo: string[] = []): ProviderMessage {
  return { kind: "message", providerMessageId: id, ...content, ...(envelopeTo.length > 0 ? { envelopeTo } : {}) };
}

/** What a provider says that it found, without what it says nothing of. */
export function withVerdicts(message: ProviderMessage, found: Verdicts): ProviderMessage {
  const said = Object.entries(found).flatMap(([name, word]) => (word ? [[name, word.toLowerCase()]] : []));
  return said.length > 0 ? { ...message, verdicts: Object.fromEntries(said) } : message;
}

/** Mailboxes as one header has them, or several. */
export type Boxes = string | readonly string[] | undefined;

export const addressesIn = (boxes: Boxes): string[] => addressesOf([boxes ?? []].flat().join(", "));

/** Who handed a mail over, and to which mailboxes: what its own headers need not say. */
export interface Envelope {
  from?: string | null | undefined;
  to: Boxes;
  /** What whoever handed it over found of who sent it. */
  verdicts?: Verdicts | undefined;
}

/**
 * A whole mail. Without an id of the provider's it is known by its Message-ID, or by what `id` gives, else a hash of it: the
 * same when it comes again.
 */
export async function rawMail(
  raw: Buffer | string,
  envelope: Envelope,
  id: string | (() => string) = () => hashOf(raw),
): Promise<ProviderMessage> {
  const content = await parseMime(raw, envelope.from ?? undefined);
  const mailboxes = addressesIn(envelope.to);
  const to = content.to.length > 0 ? content.to : mailboxes;
  const known = typeof id === "string" ? id : (content.rfcMessageId ?? id());
  const message = mail(known, { ...content, to }, mailboxes);
  return withVerdicts(message, envelope.verdicts ?? {});
}

/** A raw mail among several. */
export interface HandedMail {
  raw: Buffer | string;
  envelope: Envelope;
}

/** Each of several mails. One that cannot be read does not keep back the others; where all are so, a ParseError is thrown. */
export async function rawMails(handed: HandedMail[]): Promise<ProviderEvent[]> {
  const read = await Promise.all(
    handed.map(({ raw, envelope }) => rawMail(raw, envelope).catch((error: unknown) => unreadable(error))),
  );
  const [error] = read.filter((each) => each instanceof ParseError);
  if (error && read.every((each) => each instanceof ParseError)) throw error;
  return read.map((each) =>
    each instanceof ParseError ? ignored(`one of several mails cannot be read: ${each.message}`) : each,
  );
}

/** The contents of the files of that one which has this id, or an id that begins with it; of a mail that is alone in any case. */
export async function openOneOf(handed: HandedMail[], providerMessageId: string | undefined): Promise<Buffer[]> {
  for (const { raw, envelope } of handed) {
    if (handed.length === 1) return openMime(raw);
    const { providerMessageId: id } = await rawMail(raw, envelope).catch((error: unknown) => {
      return { ...unreadable(error), providerMessageId: undefined };
    });
    // Another mail that came under the same id has that of its own behind a sign.
    if (id !== undefined && providerMessageId?.split("#")[0] === id) return openMime(raw);
  }
  return [];
}

function unreadable(error: unknown): ParseError {
  if (error instanceof ParseError) return error;
  throw error;
}

export const hashOf = (raw: Buffer | string) => `sha256-${createHash("sha256").update(raw).digest("hex")}`;
