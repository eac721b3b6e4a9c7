import { type Remembered, remember } from "../concurrency/remember.ts";
import { ConfigError } from "../errors.ts";
import type {
  Channel,
  DmarcPolicy,
  HighlevelMessageType,
  ListPolicy,
  UnknownOutcomePolicy,
  UnknownSenderPolicy,
} from "../model.ts";
import type { Adapter } from "../providers/kit/adapter.ts";
import { adapterOf } from "../providers/registry.ts";
import type { Sealer } from "../secrets/seal.ts";
import { findMappingWithAccount } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import type { AccountRow, MappingRow } from "../store/schema.ts";
import { openCredentials, rememberSeconds } from "./accounts.ts";
import { learnIfUnknown } from "./learn-providers.ts";

/** A mapping with its adapter at hand. */
export interface MappingFacts {
  id: string;
  accountId: string;
  locationId: string;
  provider: string;
  adapter: Adapter;
  channel: Channel;
  address: string;
  /** Null for the location's default provider of the channel: HighLevel takes its messages without an id. */
  conversationProviderId: string | null;
  type: HighlevelMessageType;
  /** Null where calls are not posted. */
  callProviderId: string | null;
  unknownSender: UnknownSenderPolicy;
  postAutomatic: boolean;
  postLists: ListPolicy;
  onUnknownOutcome: UnknownOutcomePolicy;
  stripQuoted: boolean;
  /** Emails are answered at its address with a token. */
  replyTokens: boolean;
  /** Emails carry List-Unsubscribe. */
  listUnsubscribe: boolean;
  dmarcFailures: DmarcPolicy;
  isDeleted: boolean;
  /** Where it goes on, and since when, if it was moved to another location. */
  movedTo: string | null;
  movedAt: Date | null;
}

export interface Mapping extends MappingFacts {
  /** The account's: one or two, the current one first; none of a deleted mapping. */
  credentials: unknown[];
}

export type Mappings = Remembered<Mapping>;

export function createMappings(options: { db: Db; sealer: Sealer }): Mappings {
  const load = async (id: string) => {
    const found = await findMappingWithAccount(options.db, id);
    if (!found) return undefined;
    await learnIfUnknown(options.db, found.mapping.provider);
    return openMapping(found.mapping, found.account, options.sealer);
  };
  return remember(load, { seconds: rememberSeconds });
}

export function openMapping(row: MappingRow, account: AccountRow, sealer: Sealer): Mapping {
  const mapping = describeMapping(row);
  return { ...mapping, credentials: mapping.isDeleted ? [] : openCredentials(account, sealer) };
}

/** Throws a ConfigError when this version lacks the mapping's adapter. */
export function describeMapping(row: MappingRow): MappingFacts {
  const adapter = adapterOf(row.provider);
  if (!adapter) throw new ConfigError(`mapping ${row.id} is of provider ${row.provider}, which this version lacks`);
  const { id, accountId, locationId, provider, address, conversationProviderId, type, movedTo } = row;
  const { callProviderId, unknownSender, postAutomatic, postLists, onUnknownOutcome, stripQuoted, replyTokens } = row;
  const { listUnsubscribe, dmarcFailures } = row;
  const facts = { id, accountId, locationId, provider, address, conversationProviderId, type, movedTo };
  return {
    ...facts,
    callProviderId,
    unknownSender,
    postAutomatic,
    postLists,
    onUnknownOutcome,
    stripQuoted,
    replyTokens,
    listUnsubscribe,
    dmarcFailures,
    adapter,
    channel: adapter.channel,
    movedAt: movedTo === null ? null : row.deletedAt,
    isDeleted: row.deletedAt !== null && row.movedTo === null,
  };
}
