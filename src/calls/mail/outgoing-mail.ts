import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import MailComposer from "nodemailer/lib/mail-composer";

/** An email to be sent by SMTP: the body of a request to `smtps://…`. All ids and headers are in their own form. */
export interface OutgoingMail {
  from: { address: string; name?: string | undefined };
  to: string;
  cc: string[];
  bcc: string[];
  replyTo?: string | undefined;
  subject?: string | undefined;
  text?: string | undefined;
  html?: string | undefined;
  /** Message-ID, In-Reply-To, References. */
  headers: Record<string, string>;
  /** The content in base64. */
  attachments: { name: string; contentType: string; content: string }[];
}

export interface ComposedMail {
  /** Its Message-ID, which it is given where it has none. */
  messageId: string;
  envelope: { from: string; to: string[] };
  raw: Buffer;
}

/**
 * Writes it as RFC 5322 and MIME have it: 7 bits, short lines, whoever is in Bcc in the envelope alone. What is large is
 * written piece by piece, and everything else has its turn between.
 */
export async function composeMail(mail: OutgoingMail): Promise<ComposedMail> {
  const { from, to, cc, bcc, replyTo, subject, text, html, headers, attachments } = mail;
  const composed = new MailComposer({
    from: { name: from.name ?? "", address: from.address },
    ...{ to, cc, bcc, replyTo, subject, headers },
    ...{ text: inPieces(text), html: inPieces(html) },
    // Of what comes in pieces nobody can tell beforehand what suits it.
    ...(isLarge(text) || isLarge(html) ? { textEncoding: "base64" as const } : {}),
    attachments: attachments.map(({ name, contentType, content }) => ({
      ...{ filename: name, contentType, content: Readable.from(piecesOf(Buffer.from(content, "base64"))) },
    })),
    // What HighLevel or a person wrote must never name a file of this machine, or a URL to be fetched.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  }).compile();
  return {
    messageId: composed.messageId(),
    envelope: { from: from.address, to: [...new Set([to, ...cc, ...bcc])] },
    raw: await composed.build(),
  };
}

const isLarge = (words: string | undefined): words is string => (words?.length ?? 0) > 100_000;
const inPieces = (words: string | undefined) =>
  isLarge(words) ? { content: Readable.from(piecesOf(Buffer.from(words))) } : words;

const pieceBytes = 262_144;

async function* piecesOf(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += pieceBytes) {
    yield content.subarray(at, at + pieceBytes);
    await setImmediate();
  }
}
