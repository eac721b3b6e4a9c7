import { tokenContext } from "../access/sealed-tokens.ts";
import { InvalidRequest } from "../errors.ts";
import type { Sealer } from "../secrets/seal.ts";
import { ensureConversation, type HighlevelIds, registerHighlevelIds } from "../store/conversations.ts";
import { deleteLocation, findLocation, putLocation } from "../store/locations.ts";
import { listMappings } from "../store/mappings.ts";
import { replayDeliveries } from "../store/operate/mend/replay-deliveries.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Location, MappingRow } from "../store/schema.ts";
import { requirePerson } from "./require-fitting.ts";

/** What integrators register: locations, and who is which conversation. Each function throws an InvalidRequest. */
export interface RegisterContext {
  db: Db;
  sealer: Sealer;
}

export async function registerLocation(
  { db, sealer }: RegisterContext,
  location: { id: string; name?: string | undefined; token: string },
): Promise<Location> {
  const { id, name, token } = location;
  return putLocation(db, { id, name, sealedToken: sealer.seal(token, tokenContext(id)) });
}

export async function removeLocation({ db }: RegisterContext, id: string): Promise<void> {
  if (!(await findLocation(db, id))) throw new InvalidRequest("not_found", `there is no location ${id}`);
  const [mapping] = await listMappings(db, { locationId: id, limit: 1 });
  if (mapping) {
    throw new InvalidRequest(
      "conflict",
      `location ${id} still has mappings, such as ${mapping.id}: delete those first`,
    );
  }
  await deleteLocation(db, id);
}

/** Says who a sender is in HighLevel, and lets go what was held for want of that. */
export async function registerConversation(
  { db }: RegisterContext,
  mapping: MappingRow,
  input: { address: string } & HighlevelIds,
): Promise<{ conversation: Conversation; replayed: number }> {
  const address = requirePerson(mapping, input.address);
  return db.transaction(async (tx) => {
    const { id } = await ensureConversation(tx, { mappingId: mapping.id, locationId: mapping.locationId, address });
    const conversation = await registerHighlevelIds(tx, id, input);
    const held = { conversationId: id, reason: "unknown_sender" as const, limit: 100_000 };
    const { replayed } = await replayDeliveries(tx, held);
    return { conversation, replayed };
  });
}
