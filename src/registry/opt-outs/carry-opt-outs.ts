import type { Channel } from "../../model.ts";
import { providersOf } from "../../providers/registry.ts";
import { keepTimes, keyOf, listLiftsOfNumber, listOptOutsOfNumber } from "../../store/consent/opt-outs.ts";
import { enqueueDeliveries } from "../../store/deliveries.ts";
import { findMappings } from "../../store/mappings.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { MappingRow } from "../../store/schema.ts";
import { said } from "./apply-consent.ts";
import { changeConsents } from "./change-consents.ts";
import { channelsWithin } from "./channels.ts";

/**
 * A number or mailbox of an account that comes to a location brings along who is not to be written to by it: of the location where
 * it was last, those who have a conversation with it. DND that was set in HighLevel stays where it was set. What somebody has said to it
 * elsewhere that is newer than what they had said to it here holds here, too.
 */
export async function carryOptOuts(
  tx: Db,
  channel: Channel,
  { accountId, address, locationId }: Pick<MappingRow, "accountId" | "address" | "locationId">,
): Promise<void> {
  const number = { accountId, address, locationId, channels: channelsWithin(channel), providers: providersOf(channel) };
  const lifted = await listLiftsOfNumber(tx, number, said);
  const brought = await listOptOutsOfNumber(tx, number);
  const { changed, owed } = await changeConsents(tx, [
    ...lifted.map(({ channel: of, address: person, liftedBy }) => {
      return { locationId, channel: of, address: person, change: "start" as const, cause: liftedBy };
    }),
    ...brought.map(({ channel: of, address: person, cause, detail }) => {
      // What somebody noted there is nobody else's to read.
      const shown = cause === "operator" || cause === "import" ? undefined : (detail ?? undefined);
      return { locationId, channel: of, address: person, change: "stop" as const, cause, detail: shown };
    }),
  ]);
  const since = new Map(brought.map((each) => [keyOf({ ...each, locationId }), each.optedOutAt]));
  await keepTimes(
    tx,
    changed.flatMap((each) => {
      const optedOutAt = since.get(keyOf(each));
      return optedOutAt ? { id: each.id, optedOutAt } : [];
    }),
  );
  await enqueueDeliveries(tx, owed);
}

/** Where a mapping that was moved goes on, and whatever came of it before counts as well: location by location. */
export async function locationsAfter(tx: Db, { movedTo }: Pick<MappingRow, "movedTo">): Promise<string[]> {
  const [next] = movedTo === null ? [] : await findMappings(tx, [movedTo]);
  return next ? [next.locationId, ...(await locationsAfter(tx, next))] : [];
}
