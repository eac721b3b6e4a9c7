import type { DeliveryKind } from "../../model.ts";
import type { HeldDelivery } from "./read-heads.ts";

/** A lane that this worker holds until its lease ends, with the oldest of its pending deliveries. */
export interface HeldLane {
  conversationId: number;
  kind: DeliveryKind;
  locationId: string;
  mappingId: string;
  /** The lane's counter when it was claimed; a counter that has grown since means more work. */
  counter: number;
  leaseToken: string;
  /**
   * The one before us died or overran its lease: then the first pending delivery from this number on may have been carried
   * out unseen. One that was replayed meanwhile has a smaller number, and is left for the next claim.
   */
  interruptedFrom: number | null;
  /** Oldest first; at most as many as were asked for. */
  deliveries: HeldDelivery[];
}

export type LaneTarget = "highlevel" | "provider";

export const targetOf = (kind: DeliveryKind): LaneTarget => (kind === "send-outbound" ? "provider" : "highlevel");
