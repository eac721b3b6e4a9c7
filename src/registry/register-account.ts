import { InvalidRequest } from "../errors.ts";
import { deleteAccount, insertAccount, updateAccount } from "../store/accounts.ts";
import { findLocation } from "../store/locations.ts";
import { addMailbox } from "../store/mailboxes/mailboxes.ts";
import { listLocationsOfAccount } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import type { AccountRow } from "../store/schema.ts";
import { openCredentials, sealCredentials } from "./accounts.ts";
import { holdDeclared, learnOf } from "./learn-providers.ts";
import type { RegisterContext } from "./register.ts";
import { requireAdapter, requireCredentials } from "./require-fitting.ts";
import { requireRoomForAccount } from "./require-room.ts";

/** What somebody has at a provider, as integrators register it. Each function throws an InvalidRequest. */

export async function registerAccount(
  { db, sealer }: RegisterContext,
  input: { provider: string; name?: string | undefined; credentials: unknown; locationIds?: string[] | undefined },
): Promise<RegisteredAccount> {
  const { provider, name = null, locationIds = [] } = input;
  await learnOf(db, provider);
  const adapter = requireAdapter(provider);
  const credentials = requireCredentials(adapter, provider, input.credentials);
  await requireLocations(db, locationIds);
  await requireRoomForAccount(db, locationIds);
  const id = crypto.randomUUID();
  const sealedCredentials = sealCredentials(sealer, id, credentials);
  return db.transaction(async (tx) => {
    await holdDeclared(tx, provider);
    const account = await insertAccount(tx, { id, provider, name, locationIds, sealedCredentials });
    if (adapter.mailbox) await addMailbox(tx, id);
    return { account, credentials };
  });
}

export interface RegisteredAccount {
  account: AccountRow;
  credentials: unknown[];
}

interface AccountChange {
  name?: string | null | undefined;
  credentials?: unknown;
  keepFormer?: boolean | undefined;
  locationIds?: string[] | undefined;
}

export async function changeAccount(
  { db, sealer }: RegisterContext,
  row: AccountRow,
  change: AccountChange,
): Promise<RegisteredAccount> {
  const { id } = row;
  const { name, locationIds } = change;
  const credentials = changedCredentials(row, () => openCredentials(row, sealer), change);
  const isRotated = credentials.length > 0;
  if (locationIds) {
    await requireLocations(db, locationIds);
    await requireServed(db, id, locationIds);
    await requireRoomForAccount(
      db,
      locationIds.filter((each) => !row.locationIds.includes(each)),
    );
  }
  const account = await db.transaction((tx) =>
    updateAccount(tx, id, {
      ...(name === undefined ? {} : { name }),
      ...(locationIds === undefined ? {} : { locationIds }),
      ...(isRotated ? { sealedCredentials: sealCredentials(sealer, id, credentials) } : {}),
      areCredentialsNew: change.credentials !== undefined,
    }),
  );
  if (!account) throw new InvalidRequest("not_found", `there is no account ${id}`);
  return { account, credentials };
}

/** As they will be, the current ones first; empty where they stay as they are. */
function changedCredentials(
  { provider }: AccountRow,
  openFormer: () => unknown[],
  { credentials, keepFormer }: AccountChange,
): unknown[] {
  if (credentials === undefined && keepFormer)
    throw new InvalidRequest("invalid", "what are the new ones?", [
      { path: "credentials", message: "are required with keepFormer: those that the former ones are kept beside" },
    ]);
  if (credentials === undefined) return keepFormer === false ? openFormer().slice(0, 1) : [];
  const given = requireCredentials(requireAdapter(provider), provider, credentials);
  return keepFormer ? [...given.slice(0, 1), ...openFormer().slice(0, 1)] : given;
}

async function requireLocations(db: Db, ids: string[]): Promise<void> {
  for (const id of ids) await requireLocation(db, id);
}

/** Whoever has a mapping in it cannot lose it to a list that leaves the location out; none of them all is the operator's. */
async function requireServed(db: Db, id: string, locationIds: string[]): Promise<void> {
  const left = (await listLocationsOfAccount(db, id)).filter((each) => !locationIds.includes(each));
  if (locationIds.length === 0 || left.length === 0) return;
  throw new InvalidRequest("conflict", "the account has mappings of other locations", [
    {
      path: "locationIds",
      message: `leaves out ${left.slice(0, 10).join(", ")}: move or delete the mappings there first`,
    },
  ]);
}

export async function removeAccount({ db }: RegisterContext, { id }: AccountRow): Promise<void> {
  if (await deleteAccount(db, id)) return;
  throw new InvalidRequest("conflict", `account ${id} still has mappings: delete those first`);
}

/** Throws an InvalidRequest that says how to register it. */
export async function requireLocation(db: Db, id: string): Promise<void> {
  if (await findLocation(db, id)) return;
  throw new InvalidRequest("invalid", "the location is not registered", [
    { path: "locationId", message: `unknown location: PUT /admin/locations/${id} with its token first` },
  ]);
}
