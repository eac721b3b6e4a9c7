import type { Router } from "express";
import type { TokenGrant } from "../../../src/calls/call-api.ts";
import type { ReceiptStatus, WebhookRequest } from "../../../src/model.ts";
import type { RefusalFixture } from "../fixtures.ts";
import type { Posting, WrittenMessage } from "../write-webhooks.ts";

/** A message that a stand-in accepted, as the provider would know it. */
export interface StandInMessage {
  /** The provider's id. */
  id: string;
  /** As the provider would give it back. */
  reference: string | undefined;
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  text?: string | undefined;
  html?: string | undefined;
  subject?: string | undefined;
  /**
   * Of an email, names in lower case, values as in the mail, ids in angle brackets: message-id, in-reply-to, references,
   * reply-to, list-unsubscribe, list-unsubscribe-post. message-id is what the recipient sees.
   */
  headers: Record<string, string>;
  /** URLs of a text, file names of an email. */
  media: string[];
  /** The callback of this message alone, for those that take one. */
  receiptUrl: string | undefined;
}

/** A provider's API to send to, in tests and in the demo. It refuses what the original refuses, in the original's shape. */
export interface StandIn {
  /** The name in the registry. */
  provider: string;
  /** Such as `api.twilio.com`: the router is mounted there. */
  host: string;
  router: Router;
  /** What it gives an access token for, where it takes nothing without one. */
  grant?: TokenGrant | undefined;
  /** What was accepted, in that order. */
  sent: StandInMessage[];
  /** Those that the provider has webhooks for. */
  statuses: ReceiptStatus[];
  /** Does it give each email a Message-ID that the answer to the send does not tell? */
  renamesSilently: boolean;
  /** Does it send blind copies of an email? */
  takesBcc: boolean;
  /** How it refuses a message. */
  refusal: RefusalFixture;
  /**
   * The webhook that the provider would post, signed, for a status of a message. `url` is the mapping's webhookUrl,
   * without credentials; a message that has a callback of its own is reported there.
   */
  receipt(message: StandInMessage, status: ReceiptStatus, options: ReceiptOptions): WebhookRequest;
  /** The webhook that the provider would post when the person answers. */
  answer(message: StandInMessage, options: AnswerOptions): WebhookRequest;
  /** The webhook of a message that the business sent outside HighLevel; undefined for a provider that has none. */
  sentElsewhere(message: WrittenMessage, posting: Posting): WebhookRequest | undefined;
}

export interface ReceiptOptions extends Posting {
  /** Whom of an email's recipients it is about. */
  recipient?: string;
}

export interface AnswerOptions extends Posting {
  /** The provider's id of the answer; of an email also its Message-ID, `<id@mail.example.org>`. */
  id: string;
  text: string;
  /** What the person's mail program leaves of what an email answers, beside the address; all of it, if not said. */
  keeps?: KeptOfThread | undefined;
}

export type KeptOfThread = "in-reply-to" | "references" | "nothing";
