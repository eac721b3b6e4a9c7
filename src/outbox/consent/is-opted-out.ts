import type { Mappings } from "../../registry/mappings.ts";
import { channelsOf } from "../../registry/opt-outs/channels.ts";
import { findHolding } from "../../store/consent/opt-outs.ts";
import type { HeldDelivery } from "../../store/lanes/read-heads.ts";
import type { Db } from "../../store/postgres/database.ts";

/** Does an opt-out hold for a message that waits to be sent? Then it fails now, however long it was to wait. */
export async function isOptedOut(
  { db, mappings }: { db: Db; mappings: Mappings },
  locationId: string,
  { isToOptedOut, message, conversation }: HeldDelivery,
): Promise<boolean> {
  const mappingId = conversation.mappingId ?? message?.mappingId;
  const mapping = isToOptedOut && mappingId ? await mappings.get(mappingId) : undefined;
  if (!mapping) return false;
  const channels = channelsOf(mapping, message?.content?.service);
  return (await findHolding(db, { locationId, address: conversation.address, channels })) !== undefined;
}
