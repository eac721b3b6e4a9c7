import type { Access } from "../highlevel/client.ts";
import type { MessageChange } from "../store/attempts.ts";
import type { Conversation, Message } from "../store/schema.ts";

/** Somebody else may be at it by now. */
export class LeaseLost extends Error {
  override name = "LeaseLost";
}

/** One attempt at a delivery, for who makes it. */
export interface Work {
  locationId: string;
  conversation: Conversation;
  message: Message;
  /** An earlier attempt may have been carried out: look before calling again. */
  isOutcomeUnknown: boolean;
  /** Fires when the attempt has lasted long enough. */
  signal: AbortSignal;
  /** The location's token. Throws a Failure when it has none. */
  access(): Promise<Access>;
  /** Called right before the call that must not be made twice; throws when somebody else may be making it by now. */
  beforeCall(): void;
}

/** What came of an attempt that did what it should. */
export interface Attempted {
  status?: number | undefined;
  /** What an operator should know of how it went. */
  detail?: string | undefined;
  change: MessageChange;
  /** With the ids that HighLevel gave, for what comes after in the same conversation. */
  conversation?: Conversation;
  /** HighLevel must be told of the message's new state. */
  isToReport?: boolean;
}
