import { createHash } from "node:crypto";
import { ParseError } from "../../errors.ts";
import type { Mail } from "../../formats/mail.ts";
import { addressesOf } from "../../formats/mailbox.ts";
import { openMime, parseMime } from "../../formats/mime.ts";
import type {
  Attachment,
  CallAddition,
  CallStatus,
  Consent,
  IgnoredEvent,
  MessageError,
  ProviderEvent,
  ProviderMessage,
  Receipt,
  ReceiptStatus,
  Verdicts,
} from "../../model.ts";

/** What a webhook can say. The builders fill in what texts and mails have in common; nothing is invented. */

export interface TextFacts
  extends Pick<
    ProviderMessage,
    "from" | "fromName" | "contact" | "service" | "text" | "subject" | "sentAt" | "direction" | "part" | "consent"
  > {
  id: string;
  to: string[];
  cc?: string[];
  attachments?: Attachment[];
}

export function text({ id, to, cc = [], attachments = [], service, ...rest }: TextFacts): ProviderMessage {
  const none = { bcc: [], inReplyTo: [], references: [] };
  return {
    kind: "message",
    providerMessageId: id,
    ...(service ? { service } : {}),
    ...rest,
    to,
    cc,
    attachments,
    ...none,
  };
}

export interface CallEnd
  extends Pick<TextFacts, "id" | "from" | "to" | "text" | "sentAt" | "direction" | "attachments"> {
  status: CallStatus;
  durationSeconds?: number | undefined;
}

/** A call that has ended. `from` is who called. */
export const call = ({ status, durationSeconds, ...rest }: CallEnd): ProviderMessage => ({
  ...text(rest),
  call: { status, ...(durationSeconds === undefined ? {} : { durationSeconds }) },
});

/** What comes to a call later. */
export const addition = (callId: string, attachments: CallAddition["attachments"]): CallAddition => ({
  kind: "addition",
  callId,
  attachments,
});

/** A recording in one of the two forms in which providers give them. */
export const recording = (id: string, url: string, form: "mp3" | "wav"): Attachment => ({
  ...{ id, url, name: `recording.${form}`, contentType: form === "mp3" ? "audio/mpeg" : "audio/wav" },
});

/** What was said, as a file: HighLevel takes no words for a call that it has. */
export const transcript = (id: string, text: string): Attachment => ({
  ...{ id, text, name: "transcript.txt", contentType: "text/plain" },
});

/** As a provider counts the parts of a long text, in digits; none of what does not count so, or is whole. */
export function partOf(
  ref: string | null | undefined,
  number: string | null | undefined,
  total: string | null | undefined,
): Pick<TextFacts, "part"> {
  const part = { ref: ref ?? "", number: Number(number), total: Number(total) };
  const isCounted = [number, total].every((count) => /^\d{1,3}$/.test(count ?? ""));
  const isOne = isCounted && part.number >= 1 && part.number <= part.total && part.total > 1 && part.total <= 255;
  return isOne && /^[\w-]{1,100}$/.test(part.ref) ? { part } : {};
}

export function mail(id: string, content: Mail, envelopeTo: string[] = []): ProviderMessage {
  return { kind: "message", providerMessageId: id, ...content, ...(envelopeTo.length > 0 ? { envelopeTo } : {}) };
}

/** What a provider says that it found, without what it says nothing of. */
export function withVerdicts(message: ProviderMessage, found: Verdicts): ProviderMessage {
  const said = Object.entries(found).flatMap(([name, word]) => (word ? [[name, word.toLowerCase()]] : []));
  return said.length > 0 ? { ...message, verdicts: Object.fromEntries(said) } : message;
}

/** Who handed a mail over, and to which mailboxes: what its own headers need not say. */
export interface Envelope {
  from?: string | undefined;
  to: string | undefined;
  /** What whoever handed it over found of who sent it. */
  verdicts?: Verdicts | undefined;
}

/** A whole mail. Without an id of the provider's it is known by its Message-ID, or by a hash of it: the same when it comes again. */
export async function rawMail(raw: Buffer | string, envelope: Envelope, id?: string): Promise<ProviderMessage> {
  const content = await parseMime(raw, envelope.from);
  const mailboxes = addressesOf(envelope.to);
  const to = content.to.length > 0 ? content.to : mailboxes;
  const message = mail(id ?? content.rfcMessageId ?? hashOf(raw), { ...content, to }, mailboxes);
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

/** What a webhook tells of a mail that must be fetched: by what, and whom it may be for. */
export function incompleteMail(
  id: string,
  fetchBy: string,
  { from, to, envelopeTo = [] }: { from: string; to: string[]; envelopeTo?: string[] },
): ProviderMessage {
  return { ...text({ id, from, to }), fetchBy, ...(envelopeTo.length > 0 ? { envelopeTo } : {}) };
}

/**
 * What a provider's words say of a message. `remarked`: it is there, and the provider has something to say about it.
 * `bounced`: it has failed, as the address takes no mail, nor will it; `unsubscribed` and `resubscribed`: the person has it,
 * and wants no more, or more again. A word that is not in the table says nothing that is passed on.
 */
export type StatusWords = Readonly<Record<string, ReceiptStatus | Besides>>;

type Besides = "remarked" | "bounced" | "unsubscribed" | "resubscribed";

export interface ReceiptFacts {
  id: string;
  reference?: string | undefined;
  rfcMessageId?: string | undefined;
  /** Whom of an email's recipients it is about. */
  recipient?: string | undefined;
  /** Why it failed, as far as the provider says; else the word itself. */
  code?: string | undefined;
  message?: string | undefined;
  /** It failed as the person wants no more, where the code for that is not among the provider's refusals. */
  isOptedOut?: boolean;
}

/** A receipt, by the word for its status. Of a word that says nothing the rest is not read. */
export function receipt(word: string, words: StatusWords, read: () => ReceiptFacts): Receipt | IgnoredEvent {
  const meaning = Object.hasOwn(words, word) ? words[word] : undefined;
  if (meaning === undefined) return ignored(`status ${word}: says nothing that is passed on`);
  const facts = read();
  const { id, reference, rfcMessageId, recipient, isOptedOut } = facts;
  const { code = word, message = `the provider says ${word}` } = facts;
  const reason = { code, message };
  const errors: Partial<Record<typeof meaning, MessageError>> = {
    ...{ failed: reason, bounced: reason, remarked: reason },
    complained: { code: word, message: "the person marked it as spam" },
  };
  const status = besides[meaning as Besides] ?? (meaning as ReceiptStatus);
  const names = { reference, providerMessageId: id, rfcMessageId };
  const consent = isOptedOut ? ({ change: "stop", cause: "refusal" } as const) : wishes[meaning];
  return { kind: "receipt", ...names, status, recipient, error: errors[meaning], ...(consent ? { consent } : {}) };
}

const besides: Record<Besides, ReceiptStatus> = {
  ...{ remarked: "delivered", bounced: "failed", unsubscribed: "delivered", resubscribed: "delivered" },
};
const wishes: Partial<Record<ReceiptStatus | Besides, NonNullable<Receipt["consent"]>>> = {
  bounced: { change: "stop", cause: "bounce" },
  complained: { change: "stop", cause: "complaint" },
  unsubscribed: { change: "stop", cause: "unsubscribe" },
  resubscribed: { change: "start", cause: "unsubscribe" },
};

/** What a provider takes a text for, by its own word, such as STOP or optout. One that it only answers, as HELP, says nothing. */
export function wishIn(word: string | undefined): Pick<TextFacts, "consent"> {
  const plain = (word ?? "").replace(/[\s_-]/g, "").toLowerCase();
  if (["stop", "optout", "unsubscribe"].includes(plain)) return { consent: "stop" };
  return ["start", "unstop", "optin", "subscribe"].includes(plain) ? { consent: "start" } : {};
}

/** A person's word on whether they may be written to, where no message comes with it. */
export const consent = (facts: Omit<Consent, "kind">): Consent => ({ kind: "consent", ...facts });

export const ignored = (reason: string): IgnoredEvent => ({ kind: "ignored", reason });
