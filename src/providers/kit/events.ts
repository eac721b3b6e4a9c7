import type {
  Attachment,
  CallAddition,
  CallStatus,
  Consent,
  IgnoredEvent,
  MessageError,
  ProviderMessage,
  Receipt,
  ReceiptStatus,
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

export interface CallEnd extends Pick<TextFacts, "id" | "text" | "sentAt" | "direction" | "attachments"> {
  /** Who called whom; undefined for who has no number. */
  from: string | undefined;
  to: string | undefined;
  status: CallStatus;
  durationSeconds?: number | undefined;
  isLeg?: boolean;
}

/** A call that has ended. HighLevel takes none without a contact's number. */
export function call({ status, durationSeconds, isLeg, from, to, ...rest }: CallEnd): ProviderMessage | IgnoredEvent {
  if (from === undefined || to === undefined)
    return ignored(
      "a call with a number at one end alone: the caller withholds it, or it is a leg by SIP or to an app",
    );
  return {
    ...text({ ...rest, from, to: [to] }),
    call: { status, ...(durationSeconds === undefined ? {} : { durationSeconds }), ...(isLeg ? { isLeg } : {}) },
  };
}

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
