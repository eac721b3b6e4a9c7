import { InvalidRequest } from "../errors.ts";
import { countAccountsOf } from "../store/accounts.ts";
import { countMappingsOf } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";

/**
 * What one location may have, with what was deleted within a day: a key that writes there must fill neither the database nor
 * the memory of each process, which holds the ids of all accounts.
 */
export const mostOfLocation = { mappings: 5000, accounts: 5000 };

/** Throws an InvalidRequest where the location has as many mappings as it may. */
export async function requireRoomForMapping(db: Db, locationId: string): Promise<void> {
  const count = await countMappingsOf(db, locationId, mostOfLocation.mappings);
  if (count >= mostOfLocation.mappings) throw full(locationId, "mappings");
}

/** The same of accounts, for each location that a new one serves. */
export async function requireRoomForAccount(db: Db, locationIds: readonly string[]): Promise<void> {
  for (const locationId of locationIds) {
    const count = await countAccountsOf(db, locationId, mostOfLocation.accounts);
    if (count >= mostOfLocation.accounts) throw full(locationId, "accounts");
  }
}

const full = (locationId: string, what: keyof typeof mostOfLocation) =>
  new InvalidRequest("conflict", `location ${locationId} has ${mostOfLocation[what]} ${what} already`, [
    { path: "locationId", message: `delete ${what} that are not used: they count for a day` },
  ]);
