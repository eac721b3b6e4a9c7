import { type Remembered, remember } from "../concurrency/remember.ts";
import { ConfigError } from "../errors.ts";
import type { Channel } from "../model.ts";
import type { Adapter } from "../providers/kit/adapter.ts";
import { adapterOf } from "../providers/registry.ts";
import type { Sealer } from "../secrets/seal.ts";
import { findAccount } from "../store/accounts.ts";
import type { Db } from "../store/postgres/database.ts";
import type { AccountRow } from "../store/schema.ts";
import { learnIfUnknown } from "./learn-providers.ts";

/** An account with its adapter at hand. */
export interface AccountFacts {
  id: string;
  provider: string;
  adapter: Adapter;
  channel: Channel;
  deletedAt: Date | null;
}

export interface Account extends AccountFacts {
  /** One or two, the current one first; none of an account that was deleted more than a week ago. */
  credentials: unknown[];
}

export type Accounts = Remembered<Account>;

/** How long another process may go on with what an admin route has changed. */
export const rememberSeconds = 5;

/** For so long what is posted to a deleted account is kept as failed, instead of being lost by a 410. */
export const keptDays = 7;

export const isKept = ({ deletedAt }: Pick<Account, "deletedAt">) =>
  deletedAt === null || Date.now() - deletedAt.getTime() < keptDays * 86_400_000;

export function createAccounts({ db, sealer }: { db: Db; sealer: Sealer }): Accounts {
  const load = async (id: string) => {
    const row = await findAccount(db, id);
    if (row) await learnIfUnknown(db, row.provider);
    return row && { ...describeAccount(row), credentials: openCredentials(row, sealer) };
  };
  return remember(load, { seconds: rememberSeconds });
}

/** Throws a ConfigError when this version lacks the account's adapter. */
export function describeAccount(row: Pick<AccountRow, "id" | "provider" | "deletedAt">): AccountFacts {
  const { id, provider, deletedAt } = row;
  const adapter = adapterOf(provider);
  if (!adapter) throw new ConfigError(`account ${id} is of provider ${provider}, which this version lacks`);
  return { id, provider, adapter, channel: adapter.channel, deletedAt };
}

export function openCredentials({ id, sealedCredentials }: AccountRow, sealer: Sealer): unknown[] {
  if (sealedCredentials === null) return [];
  return JSON.parse(sealer.open(sealedCredentials, credentialsContext(id))) as unknown[];
}

export function sealCredentials(sealer: Sealer, accountId: string, credentials: unknown[]): string {
  return sealer.seal(JSON.stringify(credentials), credentialsContext(accountId));
}

/** In the words of 0.2, whose mappings are accounts of the same id now. */
export const credentialsContext = (accountId: string) => `credentials of mapping ${accountId}`;

/** Does whoever reaches these locations, or all, reach all that the account serves? It tells of all of them. */
export function servesNoOther(account: Pick<AccountRow, "locationIds">, locationIds: string[] | undefined): boolean {
  if (locationIds === undefined) return true;
  return account.locationIds.length > 0 && account.locationIds.every((each) => locationIds.includes(each));
}
