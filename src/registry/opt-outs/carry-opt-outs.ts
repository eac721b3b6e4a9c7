import type { Channel } from "../../model.ts";
import { keepTimes, listOptOutsOfNumber } from "../../store/consent/opt-outs.ts";
import { enqueueDeliveries } from "../../store/deliveries.ts";
import { findMappings } from "../../store/mappings.ts";
import type { Db } from "../../store/postgres/database.ts";
import type { MappingRow } from "../../store/schema.ts";
import { changeConsents } from "./change-consents.ts";

/**
 * A number or mailbox of an account that comes to a location brings along who is not to be written to by it: of the location where
 * it was last, those who have a conversation with it, and those of whom nothing tells by which number they said so. DND
 * that was set in HighLevel stays where it was set.
 */
export async function carryOptOuts(
  tx: Db,
  channel: Channel,
  { accountId, address, locationId }: Pick<MappingRow, "accountId" | "address" | "locationId">,
): Promise<void> {
  const brought = await listOptOutsOfNumber(tx, { accountId, address, locationId, channel });
  const { changed, owed } = await changeConsents(
    tx,
    brought.map(({ address: person, cause, detail }) => {
      // What somebody noted there is nobody else's to read.
      const shown = cause === "operator" || cause === "import" ? undefined : (detail ?? undefined);
      return { locationId, channel, address: person, change: "stop" as const, cause, detail: shown };
    }),
  );
  const since = new Map(brought.map((each) => [each.address, each.optedOutAt]));
  await keepTimes(
    tx,
    changed.flatMap(({ id, address: person }) => {
      const optedOutAt = since.get(person);
      return optedOutAt ? { id, optedOutAt } : [];
    }),
  );
  await enqueueDeliveries(tx, owed);
}

/** Where a mapping that was moved goes on, and whatever came of it before counts as well: location by location. */
export async function locationsAfter(tx: Db, { movedTo }: Pick<MappingRow, "movedTo">): Promise<string[]> {
  const [next] = movedTo === null ? [] : await findMappings(tx, [movedTo]);
  return next ? [next.locationId, ...(await locationsAfter(tx, next))] : [];
}
