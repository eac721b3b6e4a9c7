import type { FailureReason } from "../errors.ts";
import type { MessageError, MessageState } from "../model.ts";
import type { LeaseChange } from "./lanes/give-lane-back.ts";
import type { HeldLane } from "./lanes/held-lane.ts";

/** One attempt as it ended, what follows from it, and what becomes of the lease. */
export interface AttemptRecord {
  lane: Pick<HeldLane, "conversationId" | "kind" | "leaseToken" | "counter">;
  deliveryId: number;
  /** Undefined where nothing becomes known of one. */
  messageId: number | undefined;
  startedAt: Date;
  durationMs: number;
  outcome: "delivered" | FailureReason;
  status: number | undefined;
  detail: string | undefined;
  next: NextStep;
  lease: LeaseChange;
}

/** What becomes of the delivery: the fate that outbox/retry.ts decided. */
export type NextStep =
  | { state: "delivered"; message: MessageChange }
  | { state: "dead"; isOutcomeUnknown: boolean; message?: MessageChange | undefined }
  | { state: "pending"; isOutcomeUnknown: boolean; retryInSeconds: number; counts: boolean };

/** What an attempt makes known of its message. */
export interface MessageChange {
  highlevelMessageId?: string | undefined;
  highlevelEmailMessageId?: string | undefined;
  providerMessageId?: string | undefined;
  rfcMessageId?: string | undefined;
  reportedState?: MessageState | undefined;
  sendAnswer?: Record<string, unknown> | undefined;
  /** What a queued message becomes. One of which receipts have told more already stays as it is. */
  ifQueued?: { state: "sent" } | { state: "failed"; error: MessageError } | undefined;
}

/** How an attempt was recorded. */
export interface RecordResult {
  /** `false` when the lease has passed to another worker: then stop. */
  isHeld: boolean;
  /** Is the lane that was given back due again at once? */
  isDue: boolean;
}
