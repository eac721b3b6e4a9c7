import { findAccounts } from "../../../store/accounts.ts";
import { readSigns } from "../../../store/messages/activity.ts";
import type { Db } from "../../../store/postgres/database.ts";
import type { AccountRow, MappingRow } from "../../../store/schema.ts";
import { countRefusals } from "../../../store/trouble/refused-webhooks.ts";
import type { Caller } from "../../caller.ts";
import { reachesAll } from "./reached.ts";

const messagesOfEach = 50;

/** Whether mappings live: by three statements, however many they are. */
export async function readSignsOf(people: Db, caller: Caller, mappings: MappingRow[]) {
  const ids = mappings.map(({ id }) => id);
  const [read, found] = await Promise.all([
    readSigns(people, ids, messagesOfEach),
    findAccounts(people, [...new Set(mappings.map(({ accountId }) => accountId))]),
  ]);
  const signs = new Map(read.map((each) => [each.mappingId, each]));
  const accounts = new Map(found.map((account) => [account.id, account]));
  const reached = [...accounts.values()].filter((account) => reachesAll(caller, account)).map(({ id }) => id);
  const refused = await countRefusals(people, { provider: reached, highlevel: ids });
  const changedAt = (account: AccountRow | undefined) => account?.credentialsSetAt ?? account?.updatedAt ?? null;
  return ({ id, accountId }: MappingRow) => {
    const { lastInAt = null, lastOutAt = null, hasReceipts = false } = signs.get(id) ?? {};
    const refusedLately = (refused.highlevel.get(id) ?? 0) + (refused.provider.get(accountId) ?? 0);
    return {
      ...{ lastInAt, lastOutAt, hasReceipts, refusedLately },
      accountChangedAt: changedAt(accounts.get(accountId)),
    };
  };
}
