import { createHash } from "node:crypto";
import { ParseError } from "../../../errors.ts";
import type { Mail } from "../../../formats/mail.ts";
import { addressesOf } from "../../../formats/mailbox.ts";
import { openMime, parseMime } from "../../../formats/mime.ts";
import type { ProviderEvent, ProviderMessage, Verdicts } from "../../../model.ts";
import { ignored } from "../events.ts";
import { mailReports } from "./mail-reports.ts";

/** What a webhook can say of emails. */

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

/** What was read of a mail, and what its envelope says; of what was found, without what it says nothing of. */
export function mail(id: string, content: Mail, { to, verdicts }: Envelope): ProviderMessage {
  const envelopeTo = addressesIn(to);
  const said = Object.entries(verdicts ?? {}).flatMap(([name, word]) => (word ? [[name, word.toLowerCase()]] : []));
  return {
    ...{ kind: "message", providerMessageId: id, ...content },
    ...(envelopeTo.length > 0 ? { envelopeTo } : {}),
    ...(said.length > 0 ? { verdicts: Object.fromEntries(said) } : {}),
  };
}

/**
 * A whole mail, or what it reports of emails of ours. Without an id of the provider's it is known by its Message-ID, or by what
 * `id` gives, else a hash of it: the same when it comes again.
 */
export async function rawMail(
  given: Buffer | string,
  envelope: Envelope,
  id: string | (() => string) = () => hashOf(given),
): Promise<ProviderEvent[]> {
  const raw = bytesOf(given);
  const reports = mailReports(raw);
  if (reports) return reports;
  const content = await parseMime(raw, envelope.from ?? undefined);
  const mailboxes = addressesIn(envelope.to);
  const to = content.to.length > 0 ? content.to : mailboxes;
  const known = typeof id === "string" ? id : (content.rfcMessageId ?? id());
  return [mail(known, { ...content, to }, envelope)];
}

/** The contents of its files; none of what only reports. */
export const openRaw = async (raw: Buffer | string): Promise<Buffer[]> =>
  mailReports(bytesOf(raw)) ? [] : openMime(raw);

/** A mail as JSON holds it. What says that it is base64 may stand behind it: no header is without a colon, which base64 is. */
export function mimeIn(text: string, isBase64: boolean | null | undefined): Buffer {
  return Buffer.from(text, (isBase64 ?? !text.slice(0, 1000).includes(":")) ? "base64" : "utf8");
}

const bytesOf = (raw: Buffer | string) => (typeof raw === "string" ? Buffer.from(raw) : raw);

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
  return read.flatMap((each) =>
    each instanceof ParseError ? ignored(`one of several mails cannot be read: ${each.message}`) : each,
  );
}

/** The contents of the files of that one which has this id, or an id that begins with it; of a mail that is alone in any case. */
export async function openOneOf(handed: HandedMail[], providerMessageId: string | undefined): Promise<Buffer[]> {
  for (const { raw, envelope } of handed) {
    if (handed.length === 1) return openRaw(raw);
    const [event] = await rawMail(raw, envelope).catch((error: unknown) => [unreadable(error)]);
    const id = event && "providerMessageId" in event ? event.providerMessageId : undefined;
    // Another mail that came under the same id has that of its own behind a sign.
    if (id !== undefined && providerMessageId?.split("#")[0] === id) return openRaw(raw);
  }
  return [];
}

function unreadable(error: unknown): ParseError {
  if (error instanceof ParseError) return error;
  throw error;
}

export const hashOf = (raw: Buffer | string) => `sha256-${createHash("sha256").update(raw).digest("hex")}`;
