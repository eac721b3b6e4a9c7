import { type Happening, messageFailed, oweEvents } from "../../events/owe-events.ts";
import type { DeliveryKind } from "../../model.ts";
import type { Listeners } from "../../registry/endpoints/listeners.ts";
import type { AttemptRecord } from "../../store/attempt-record.ts";
import { findDelivery, type NewDelivery } from "../../store/deliveries.ts";
import { findMessage } from "../../store/messages/messages.ts";
import type { Db } from "../../store/postgres/database.ts";

/** An attempt whose end endpoints may have to be told. */
interface EndedAttempt {
  record: Pick<AttemptRecord, "deliveryId" | "messageId" | "next" | "outcome" | "detail">;
  lane: { kind: DeliveryKind; locationId: string };
}

/** A delivery of events that is dead is told to nobody: nothing must go round in a circle. */
export function isToTell(listeners: Listeners, { record, lane }: EndedAttempt): boolean {
  if (record.next.state !== "dead" || lane.kind === "post-event") return false;
  const isWanted = (type: "delivery.dead" | "message.failed") => listeners.of(type, lane.locationId).length > 0;
  return isWanted("delivery.dead") || isWanted("message.failed");
}

/** What endpoints are owed for an attempt that was recorded in this transaction, as it stands there. */
export async function oweAttemptEvents(tx: Db, listeners: Listeners, ended: EndedAttempt): Promise<NewDelivery[]> {
  if (!isToTell(listeners, ended)) return [];
  const { record, lane } = ended;
  const delivery = await findDelivery(tx, record.deliveryId);
  // Somebody else may have recorded another end of it.
  if (delivery?.state !== "dead") return [];
  const { locationId, kind } = lane;
  const { id, reason, detail } = delivery;
  const messageId = delivery.messageId ?? undefined;
  const happened: Happening[] = [
    { type: "delivery.dead", locationId, messageId, data: { delivery: { id, kind, reason, detail } } },
  ];
  const isFailing = record.next.state === "dead" && record.next.message?.ifQueued?.state === "failed";
  const found = isFailing && messageId !== undefined ? await findMessage(tx, messageId) : undefined;
  if (found?.message.state === "failed") happened.push(messageFailed(locationId, found.message));
  return oweEvents(tx, listeners, happened);
}
