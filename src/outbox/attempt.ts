import { Failure } from "../errors.ts";
import type { Access } from "../highlevel/call.ts";
import type { Mapping } from "../registry/mappings.ts";
import type { MessageChange } from "../store/attempt-record.ts";
import type { Conversation, DeliveryEvent, Message } from "../store/schema.ts";

/** Another worker may be at it by now. */
export class LeaseLost extends Error {
  override name = "LeaseLost";
}

/** What one attempt at a delivery works with, whatever its kind. */
export interface AttemptInput {
  locationId: string;
  /** The message's; of an event the endpoint's. */
  conversation: Conversation;
  /**
   * As it was when the lane was claimed; read again for the kinds that need it as receipts have left it. Undefined for an
   * event that is not about one.
   */
  message: Message | undefined;
  /** Which names a mail that is to be fetched. */
  webhookId: number | undefined;
  /** Which import owes what was before. */
  importId?: number | undefined;
  /** What an endpoint is to be told. */
  event: DeliveryEvent | undefined;
  /** The message's, also a deleted one. Undefined for a relay, which has none: see `requireMapping`; and for an event. */
  mapping: Mapping | undefined;
  /** An earlier attempt may have been carried out: look before calling again. */
  isOutcomeUnknown: boolean;
  /** Fires when the attempt has lasted long enough. */
  signal: AbortSignal;
  /** The location's token. Throws a Failure when it has none. */
  access(): Promise<Access>;
  /** Called right before the call that must not be made twice; throws when another worker may be making it by now. */
  beforeCall(): void;
}

/** The same at a delivery that is a message's. */
export interface MessageAttempt extends AttemptInput {
  message: Message;
}

/** What came of an attempt that did what it should. */
export interface AttemptResult {
  status?: number | undefined;
  /** What an operator should know of how it went. */
  detail?: string | undefined;
  change: MessageChange;
  /** With the ids that HighLevel gave, for what comes after in the same conversation. */
  conversation?: Conversation;
  /** HighLevel must be told of the message's new state. */
  isToReport?: boolean;
}

export function requireMapping({ mapping }: Pick<AttemptInput, "mapping">): Mapping {
  if (mapping) return mapping;
  throw new Failure("internal_error", "the delivery's mapping is gone");
}
