/** The vocabulary of the bridge: types and nothing else, used by every room. */

export type Channel = "sms" | "email";

/** What happens to a message from a person whom neither the admin route nor an earlier message made known. */
export type UnknownSenderPolicy = "create" | "hold" | "ignore";

export type WebhookState = "received" | "processed" | "failed" | "ignored";
export type DeliveryState = "pending" | "delivered" | "dead";
export type DeliveryKind = "post-inbound";
export type MessageState = "received";

/** What HighLevel calls the message. Extra conversation providers take `Custom` for texts and emails alike. */
export type HighlevelMessageType = "SMS" | "Email" | "Custom";

/** Mail that a machine wrote: kept, and by default not posted, so that no mail loop can start. */
export type AutomaticKind = "auto_reply" | "bounce";

/** A request as it came, before anything of it was parsed. */
export interface WebhookRequest {
  /** The address that the provider called: the configured public URL with the request's path and query, verbatim. */
  url: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The exact bytes. */
  body: Buffer;
  receivedAt: Date;
}

/** A file that came with a message. With a `url` it can be handed on; without one it was inside the webhook. */
export interface Attachment {
  url?: string | undefined;
  name?: string | undefined;
  contentType?: string | undefined;
  sizeBytes?: number | undefined;
}

/** A person's text or email, as a provider told us. What the provider did not say is absent, never guessed. */
export interface InboundMessage {
  kind: "message";
  /** The provider's id: unique per mapping, and HighLevel's `altId`. */
  providerMessageId: string;
  /** E.164, a short code or an alphanumeric sender; for email the mailbox in lower case. */
  from: string;
  /** The person's name as the email's From header gives it. */
  fromName?: string | undefined;
  to: string[];
  cc: string[];
  bcc: string[];
  subject?: string | undefined;
  text?: string | undefined;
  html?: string | undefined;
  attachments: Attachment[];
  /** The provider's time for the message. */
  sentAt?: Date | undefined;
  /** RFC 5322 ids, without angle brackets. */
  rfcMessageId?: string | undefined;
  inReplyTo: string[];
  /** As in the header: oldest first. */
  references: string[];
  automatic?: AutomaticKind | undefined;
}

/** What a webhook said that is not bridged, such as a click. */
export interface IgnoredEvent {
  kind: "ignored";
  /** For a person: which event, and why it is not bridged. */
  reason: string;
}

export type ProviderEvent = InboundMessage | IgnoredEvent;
