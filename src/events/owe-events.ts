import { randomUUID } from "node:crypto";
import type { EventType, MessageError } from "../model.ts";
import type { Listeners } from "../registry/endpoints/listeners.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { ensureEndpointConversations, placeKeyOf } from "../store/events/endpoint-conversations.ts";
import type { Db } from "../store/postgres/database.ts";

/** Something that endpoints may want to be told of. */
export interface Happening {
  type: EventType;
  locationId: string;
  messageId?: number | undefined;
  /** What the message does not tell, or not for ever. */
  data?: Record<string, unknown> | undefined;
}

export const messageFailed = (
  locationId: string,
  message: { id: number; error: MessageError | null | undefined },
): Happening => ({
  type: "message.failed",
  locationId,
  messageId: message.id,
  data: { error: message.error ?? undefined },
});

/**
 * What endpoints are owed for what happened, to be enqueued with what else the transaction makes us owe: so an event is told
 * if, and only if, it has come true. Where nobody wants to know, nothing is asked of the database.
 */
export async function oweEvents(tx: Db, listeners: Listeners, happened: Happening[]): Promise<NewDelivery[]> {
  return oweTellings(
    tx,
    happened.flatMap((each) => {
      const wanting = listeners.of(each.type, each.locationId);
      return wanting.length > 0 ? [{ happening: each, endpointIds: wanting.map(({ id }) => id) }] : [];
    }),
  );
}

/** The same for endpoints that are named. */
export async function oweTellings(
  tx: Db,
  tellings: { happening: Happening; endpointIds: string[] }[],
): Promise<NewDelivery[]> {
  const places = tellings.flatMap(({ happening: { locationId }, endpointIds }) =>
    endpointIds.map((endpointId) => ({ endpointId, locationId })),
  );
  if (places.length === 0) return [];
  const conversations = await ensureEndpointConversations(tx, places);
  const at = new Date().toISOString();
  return tellings.flatMap(({ happening: { type, locationId, messageId, data }, endpointIds }) => {
    const event = { id: randomUUID(), type, at, data };
    return endpointIds.flatMap((endpointId): NewDelivery[] => {
      const conversationId = conversations.get(placeKeyOf({ endpointId, locationId }));
      return conversationId === undefined ? [] : [{ kind: "post-event", conversationId, locationId, messageId, event }];
    });
  });
}
