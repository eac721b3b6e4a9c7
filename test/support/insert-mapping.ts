import { randomUUID } from "node:crypto";
import { insertAccount } from "../../src/store/accounts.ts";
import { insertMapping as insert } from "../../src/store/mappings.ts";
import type { Db } from "../../src/store/postgres/database.ts";
import type { MappingRow, NewMapping } from "../../src/store/schema.ts";

/** A mapping with an account of its own, of the same id, as one call of the admin route makes both. */
export async function insertMapping(db: Db, mapping: Omit<NewMapping, "accountId">): Promise<MappingRow> {
  const { id = randomUUID(), provider, locationId, sealedCredentials = null } = mapping;
  await insertAccount(db, { id, provider, locationIds: [locationId], sealedCredentials });
  return insert(db, { ...mapping, id, accountId: id });
}
