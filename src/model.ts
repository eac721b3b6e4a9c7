/** The vocabulary of the bridge: types, and the words of some, used by every room. */

export type Channel = "sms" | "email";

/** What a text may go by instead of SMS or MMS, between the same two numbers. */
export type TextService = "whatsapp" | "rcs";

/** What happens to a message from a person whom neither the admin route nor an earlier message made known. */
export type UnknownSenderPolicy = "create" | "hold" | "ignore";

/**
 * What is posted of the mail that mailing lists and groups hand on: what people write to them, newsletters as well, or
 * nothing of it.
 */
export type ListPolicy = "people" | "all" | "none";

/** What happens to a message that HighLevel may have taken, when its list cannot tell: post it again, or hold it for a person. */
export type UnknownOutcomePolicy = "repost" | "hold";

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof weekdays)[number];

/**
 * What an integrator's key may do with its locations: see all but what people wrote, their names and addresses; see that, too;
 * and change it.
 */
export const keyAccesses = ["metadata", "read", "write"] as const;
export type KeyAccess = (typeof keyAccesses)[number];

/** Whose webhooks: those of accounts, or what HighLevel posts to the app as a whole. */
export type Inbox = "accounts" | "app";
/** Where work waits for a worker: webhooks to be processed, or deliveries to be attempted. */
export type Queue = Inbox | "deliveries";
/** Says that there is something new in a queue. */
export type Wake = (queue: Queue) => void;

/** What is told live, as it happens. Of a webhook: what it was read as; of a delivery: how an attempt at it ended. */
export const occurrenceKinds = [
  ...(["received", "held", "receipt", "ignored", "failed", "refused"] as const),
  ...(["delivered", "retrying", "dead"] as const),
] as const;
export type OccurrenceKind = (typeof occurrenceKinds)[number];

export type WebhookState = "received" | "processed" | "failed" | "ignored";
export type WebhookSource = "provider" | "highlevel";
/**
 * Why a webhook was turned away: nothing is signed; by none of the credentials; too old, or of the future; by another URL
 * than PUBLIC_URL; it does not verify, and nobody looked why; about another location than the mapping's; of a type that the
 * provider never posts; larger than the limit; more than the limits let in.
 */
export type RefusalReason =
  | "unsigned"
  | "no_match"
  | "stale"
  | "other_url"
  | "unverified"
  | "misdirected"
  | "wrong_type"
  | "too_large"
  | "limited";
/** `discarded`: it was dead, and somebody said that it is not to be done. */
export type DeliveryState = "pending" | "delivered" | "dead" | "discarded";
/** `send-through-highlevel` is a relay, and so is a message of origin `api`: rows and metrics know it by these words. */
export const deliveryKinds = [
  "post-inbound",
  "send-outbound",
  "report-status",
  "send-through-highlevel",
  "set-dnd",
  "add-to-call",
  "post-event",
  "fetch-mail",
  "post-history",
] as const;
export type DeliveryKind = (typeof deliveryKinds)[number];
/** Those that reach a person. */
export const kindsToPeople = ["send-outbound", "send-through-highlevel"] as const satisfies DeliveryKind[];
/** What endpoints can be told of. `account.…` is about a provider, as far as one account goes, or about HighLevel. */
export const eventTypes = [
  "message.received",
  "message.delivered",
  "message.failed",
  "delivery.dead",
  "location.paused",
  "location.resumed",
  "account.unreachable",
  "account.reachable",
] as const;
export type EventType = (typeof eventTypes)[number];
/**
 * Why a person is not written to, the strongest last: DND that somebody set in HighLevel, an email that bounced for good, a
 * provider that refused a message for it, a click on unsubscribe, a complaint, what the provider says of the person, a word
 * such as STOP, a list that was imported, or an operator.
 */
export const consentCauses = [
  "highlevel",
  "bounce",
  "refusal",
  "unsubscribe",
  "complaint",
  "provider",
  "word",
  "import",
  "operator",
] as const;
export type ConsentCause = (typeof consentCauses)[number];
/**
 * What an opt-out is of, and what HighLevel calls its DND of that: `sms` is texts of whatever kind, and what goes by mappings of
 * these three types is set apart there. https://marketplace.gohighlevel.com/docs/ghl/contacts/update-contact
 */
export const dndNames = { sms: "SMS", email: "Email", whatsapp: "WhatsApp", gmb: "GMB", fb: "FB" } as const;
export type OptOutChannel = keyof typeof dndNames;
export const optOutChannels = Object.keys(dndNames) as [OptOutChannel, ...OptOutChannel[]];
/** How an endpoint is told: signed JSON, or a text for people in the form of Slack's incoming webhooks. */
export const endpointFormats = ["standard-webhooks", "slack"] as const;
export type EndpointFormat = (typeof endpointFormats)[number];
export type Direction = "inbound" | "outbound";
/** `received` is inbound; an outbound message begins `queued` and goes forward only. */
export type MessageState = "received" | "queued" | ReceiptStatus;
/** Who brought a message to the bridge: a provider's webhook, HighLevel's delivery URL, the send route, or an import. */
export type MessageOrigin = "provider" | "highlevel" | "api" | "import";

/**
 * By what the mapping is chosen that sends: the person was written with by it last; it is the agent's; it is of the person's
 * country; it is the location's default one; or the oldest.
 */
export type SenderRule = "last" | "agent" | "country" | "default" | "oldest";

/**
 * What HighLevel calls the message. Extra conversation providers take `Custom` for texts and emails alike. `Call` is for a
 * mapping that has nothing but calls.
 */
export const highlevelMessageTypes = [
  ...(["SMS", "Email", "Custom", "WhatsApp", "GMB", "IG", "FB", "WebChat", "Live_Chat", "Call"] as const),
] as const;
export type HighlevelMessageType = (typeof highlevelMessageTypes)[number];

/**
 * Mail that a machine wrote: kept, and by default not posted, so that no mail loop can start. `auto_generated` is a notice
 * that answers nothing, and `list` a letter to many.
 */
export type AutomaticKind = "auto_reply" | "bounce" | "auto_generated" | "list";

/** What a check found: `warning` where something may be wrong or could not be asked, `failure` where messages are lost by it. */
export type FindingState = "ok" | "warning" | "failure";

export interface Finding {
  /** What was looked at, in a word, such as `credentials`. */
  check: string;
  state: FindingState;
  /** What was found. */
  detail: string;
  /** What to do. */
  advice?: string;
}

/** A request as it came, before anything of it was parsed. */
export interface WebhookRequest {
  /** The address that the provider called: the configured public URL with the request's path and query, verbatim. */
  url: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /**
   * The exact bytes. Of a webhook whose mail was fetched, that mail follows them. Where they are fewer than Content-Length says,
   * they are the beginning of a larger body, of which no more is kept.
   */
  body: Buffer;
  /** Where the mail begins in `body` that was fetched for this webhook; nothing where none was. */
  fetchedFrom?: number | null | undefined;
  receivedAt: Date;
}

/** A file that came with a message. With a `url` it can be handed on; without one it was inside the webhook. */
export interface Attachment {
  /** The provider's id of it, where it may be told of more than once. */
  id?: string | undefined;
  /** Of a file of nothing but words, such as a transcript: what it says. */
  text?: string | undefined;
  url?: string | undefined;
  /** What an email's HTML calls it, as in `cid:logo`; without angle brackets. */
  contentId?: string | undefined;
  name?: string | undefined;
  contentType?: string | undefined;
  sizeBytes?: number | undefined;
  /** Why it cannot be had, in words for the agent. */
  refusal?: string | undefined;
}

/** A text or email, as a provider told us. What the provider did not say is absent, never guessed. */
export interface ProviderMessage {
  kind: "message";
  /** `outbound` is what the business sent outside HighLevel, from the provider's console say. Absent: a person wrote it. */
  direction?: "outbound" | undefined;
  /** The provider's id: unique per mapping, and HighLevel's `altId`. */
  providerMessageId: string;
  /** What a text came by, if not SMS or MMS: the answers to it go by the same. */
  service?: TextService | undefined;
  /** E.164, a short code or an alphanumeric sender; for email the mailbox in lower case. */
  from: string;
  /** The sender's name as the email's From header gives it; of a text, and of a row of an import, the person's. */
  fromName?: string | undefined;
  /** `from` in the person's own spelling, where that is another: answers go to it. */
  fromSpelling?: string | undefined;
  /** Who that is elsewhere, as far as the sender knows: by it the contact is found of somebody who has no number. */
  contact?: KnownPerson | undefined;
  /** Where the email asks for answers, if that is not `from`. */
  replyTo?: Correspondent | undefined;
  to: string[];
  cc: string[];
  bcc: string[];
  /** The mailboxes that an email was handed to, as its envelope names them: To may name others, and Bcc nobody. */
  envelopeTo?: string[] | undefined;
  subject?: string | undefined;
  text?: string | undefined;
  html?: string | undefined;
  attachments: Attachment[];
  /** The provider's time for the message. */
  sentAt?: Date | undefined;
  /** Which part of a long text it is, where a provider hands on each by itself. They are put together. */
  part?: MessagePart | undefined;
  /**
   * The provider gives the mail itself only to who asks for it by this: an id or a key, never a link, which would expire. It
   * is fetched, and the webhook read again.
   */
  fetchBy?: string | undefined;
  /** RFC 5322 ids, without angle brackets. */
  rfcMessageId?: string | undefined;
  inReplyTo: string[];
  /** As in the header: oldest first. */
  references: string[];
  automatic?: AutomaticKind | undefined;
  /** It is no text but a call, of which `text` says more: what was said, or a summary. Its recordings are attachments. */
  call?: CallFacts | undefined;
  /** What the provider takes it for: the person wants no more, or wants to be written to again. */
  consent?: ConsentChange | undefined;
  /** Nothing but its envelope's empty sender says that it is a bounce: a forwarding server may have emptied it. */
  isBounceByEnvelope?: boolean | undefined;
  /** What the provider found of who sent an email: never what the email's own headers say of it. */
  verdicts?: Verdicts | undefined;
  /** The tokens of ours in the addresses that an email came to. */
  replyTokens?: string[] | undefined;
  /** A mailing list or a group handed on what a person wrote. */
  isFromList?: boolean | undefined;
}

/** What becomes of an email of which its provider says that it fails DMARC, https://www.rfc-editor.org/rfc/rfc7489. */
export type DmarcPolicy = "post" | "mark" | "hold";

export interface KnownPerson {
  /** HighLevel's. */
  contactId?: string | undefined;
  phone?: string | undefined;
  email?: string | undefined;
}

/** In the provider's words, in lower case, such as `pass` and `fail`. */
export type Verdicts = Partial<Record<"spf" | "dkim" | "dmarc", string | undefined>>;

/** How calls end, in HighLevel's words. */
export const callStatuses = [
  "pending",
  "completed",
  "answered",
  "busy",
  "no-answer",
  "failed",
  "canceled",
  "voicemail",
] as const;
export type CallStatus = (typeof callStatuses)[number];

export interface CallFacts {
  status: CallStatus;
  durationSeconds?: number | undefined;
  /** Another call was put through by it: it may be between two others, such as the person and an agent's own phone. */
  isLeg?: boolean | undefined;
}

/** What a provider tells later of a call: its recordings, and what was said. */
export interface CallAddition {
  kind: "addition";
  /** The call's `providerMessageId`. */
  callId: string;
  /** Each with an id. */
  attachments: Attachment[];
}

export interface MessagePart {
  /** What the parts of one text have in common; another of the same person has another one for some time. */
  ref: string;
  /** From 1 on. */
  number: number;
  total: number;
}

export interface Correspondent {
  address: string;
  spelling?: string | undefined;
  name?: string | undefined;
}

/**
 * What became of a message that we sent. `sent`: the provider handed it on. `read` includes opened. `complained`: the person
 * has it, and marked it as spam.
 */
export type ReceiptStatus = "sent" | "delivered" | "read" | "failed" | "complained";

/** A provider's word on a message that we sent through it. */
export interface Receipt {
  kind: "receipt";
  /** The reference that the send gave along. Without it the message is known by the provider's id. */
  reference?: string | undefined;
  providerMessageId: string;
  /** The Message-ID that the person's mail program sees, where the provider chose another than ours and tells it only now. */
  rfcMessageId?: string | undefined;
  status: ReceiptStatus;
  /** Whom of an email's recipients it is about; absent for all of them. */
  recipient?: string | undefined;
  /** The provider's code and words: why it failed, that the person complained, or what else there is to say. */
  error?: MessageError | undefined;
  /** What it says of whether the person may be written to. */
  consent?: { change: ConsentChange; cause: ConsentCause } | undefined;
}

/** A person's word on whether they may be written to, which comes with no message. */
export interface Consent {
  kind: "consent";
  change: ConsentChange;
  cause: ConsentCause;
  /** The person's number or mailbox, as `from` of a message. */
  from: string;
  /** The number or mailbox of ours that it is about. */
  to: string;
  /** What the provider says of it. */
  detail?: string | undefined;
}

export type ConsentChange = "stop" | "start";

export interface MessageError {
  code: string;
  message: string;
}

/** A text or email that is to reach a person. */
export interface OutboundMessage {
  /** Goes along with the message and comes back in its receipts, which may be here before the answer to the send. */
  reference: string;
  /**
   * The mapping's number; for an email the mailbox that it comes from. A text that goes by another service has the prefix
   * of that here and in `to`, as in `whatsapp:+15005550006`: only adapters get one that say so by `services`.
   */
  from: string;
  fromName?: string | undefined;
  to: string;
  cc: string[];
  bcc: string[];
  /** Where answers must go, if that is not `from`. */
  replyTo?: string | undefined;
  subject?: string | undefined;
  text?: string | undefined;
  html?: string | undefined;
  attachments: OutboundAttachment[];
  /** RFC 5322 ids, without angle brackets: our own, and the thread's as in the headers. */
  rfcMessageId?: string | undefined;
  inReplyTo?: string | undefined;
  references: string[];
  /** Where a POST has the person unsubscribed, for the header List-Unsubscribe of an email that is to have one. */
  unsubscribeUrl?: string | undefined;
  /** Where the provider must post receipts, for those that take it with each message; it holds the reference. */
  receiptUrl: string;
}

/** A text's media goes by its URL; an email's file with its content. */
export interface OutboundAttachment {
  url: string;
  name: string;
  contentType: string;
  content?: Buffer | undefined;
}

/** What a provider answered to a send. */
export interface SentMessage {
  /** What its receipts will name. */
  providerMessageId: string;
  /** The Message-ID that the person's mail program sees, where the provider chose another than ours. */
  rfcMessageId?: string | undefined;
}

/** What a webhook said that is not bridged, such as a click. */
export interface IgnoredEvent {
  kind: "ignored";
  /** For a person: which event, and why it is not bridged. */
  reason: string;
}

export type ProviderEvent = ProviderMessage | Receipt | Consent | CallAddition | IgnoredEvent;

/** A bridge to play with, and what stands around it. */
export interface Trial {
  /** Signs in, once. */
  consoleUrl: string;
  /** The inbox of an agent, and at `/phone` a number and a person. */
  sandboxUrl: string;
}
