import { type SQL, sql } from "drizzle-orm";
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

/** A lane as it was leased, before its deliveries were read: those from this number on. */
export type LeasedLane = Pick<HeldLane, "conversationId" | "kind" | "locationId" | "mappingId" | "counter"> & {
  claimedFrom: number;
};

/** What a lane calls: HighLevel; or a provider, with which go the endpoints that are told of events. */
export type LaneTarget = "highlevel" | "provider";

/** Those that do not call HighLevel, and so go on while their location is paused. */
const kindsElsewhere = ["send-outbound", "post-event", "fetch-mail"] as const satisfies DeliveryKind[];

export const targetOf = (kind: DeliveryKind): LaneTarget =>
  kindsElsewhere.some((each) => each === kind) ? "provider" : "highlevel";

/**
 * The same as a condition on `kind`, as the indexes of what is due have it: that of HighLevel's leaves out the first kind
 * alone, as it was before there were events.
 */
export const isTo: Record<LaneTarget, (kind: SQL) => SQL> = {
  highlevel: (kind) => sql`(${kind} <> 'send-outbound' and ${kind} not in ('post-event', 'fetch-mail'))`,
  provider: (kind) => sql`${kind} in ('send-outbound', 'post-event', 'fetch-mail')`,
};

/** A condition on `kind`: it posts what was before the bridge, and stands behind what is live. */
export const isPast = (kind: SQL) => sql`${kind} = 'post-history'`;

/** In an order by: the lanes of events are locked last. */
export const eventsLast = sql`kind = 'post-event'`;
