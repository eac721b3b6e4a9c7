import { servesNoOther } from "../../../registry/accounts.ts";
import { findAccount } from "../../../store/accounts.ts";
import { findLocation } from "../../../store/locations.ts";
import { findMapping } from "../../../store/mappings.ts";
import type { Db } from "../../../store/postgres/database.ts";
import type { AccountRow, Location, MappingRow } from "../../../store/schema.ts";
import { type Caller, reaches } from "../../caller.ts";
import { Problem } from "../../problem.ts";
import { isUuid } from "../../uuid.ts";

interface Context {
  db: Db;
}

/** The location, if the caller reaches it. */
export async function requireKnownLocation({ db }: Context, caller: Caller, id: string): Promise<Location> {
  const location = reaches(caller, id) ? await findLocation(db, id) : undefined;
  if (!location) throw new Problem(404, `there is no location ${id}`);
  return location;
}

/** The account, if the caller reaches all its locations. */
export async function requireAccount({ db }: Context, caller: Caller, id: string): Promise<AccountRow> {
  const account = await findLiving(db, caller, id);
  if (account && reachesAll(caller, account)) return account;
  throw new Problem(404, `there is no account ${id}`);
}

/** The account, if the location may be mapped in it: it serves it, or the caller may change that. */
export async function requireUsable(
  { db }: Context,
  caller: Caller,
  id: string,
  locationId: string,
): Promise<AccountRow> {
  const account = await findLiving(db, caller, id);
  if (account && (account.locationIds.includes(locationId) || reachesAll(caller, account))) return account;
  throw new Problem(404, `there is no account ${id}`);
}

async function findLiving(db: Db, caller: Caller, id: string): Promise<AccountRow | undefined> {
  if (!isUuid(id)) return undefined;
  caller.ids["accountId"] = id;
  const account = await findAccount(db, id);
  return account?.deletedAt ? undefined : account;
}

export const reachesAll = ({ locationIds }: Caller, account: AccountRow): boolean =>
  servesNoOther(account, locationIds);

/** The mapping, if the caller reaches it. */
export async function requireMapping({ db }: Context, caller: Caller, id: string): Promise<MappingRow> {
  const mapping = isUuid(id) ? await findMapping(db, id) : undefined;
  if (isUuid(id)) caller.ids["mappingId"] = id;
  if (!mapping || !reaches(caller, mapping.locationId)) throw new Problem(404, `there is no mapping ${id}`);
  if (mapping.movedTo) throw new Problem(404, `mapping ${id} was moved: it goes on as ${mapping.movedTo}`);
  if (mapping.deletedAt) throw new Problem(404, `there is no mapping ${id}`);
  return mapping;
}

/** The account that a mapping is of. */
export async function requireAccountOf({ db }: Context, mapping: MappingRow): Promise<AccountRow> {
  const account = await findAccount(db, mapping.accountId);
  if (account) return account;
  throw new Error(`mapping ${mapping.id} is of no account`);
}
