import { type Remembered, remember } from "../concurrency/remember.ts";
import { ConfigError } from "../errors.ts";
import type { Channel, HighlevelMessageType, ListPolicy, UnknownOutcomePolicy, UnknownSenderPolicy } from "../model.ts";
import type { Adapter } from "../providers/kit/adapter.ts";
import { adapterOf } from "../providers/registry.ts";
import type { Sealer } from "../secrets/seal.ts";
import { findMapping } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import type { MappingRow } from "../store/schema.ts";

/** A mapping with its adapter at hand. */
export interface MappingFacts {
  id: string;
  locationId: string;
  provider: string;
  adapter: Adapter;
  channel: Channel;
  address: string;
  /** Null for the location's default provider of the channel: HighLevel takes its messages without an id. */
  conversationProviderId: string | null;
  type: HighlevelMessageType;
  unknownSender: UnknownSenderPolicy;
  postAutomatic: boolean;
  postLists: ListPolicy;
  onUnknownOutcome: UnknownOutcomePolicy;
  stripQuoted: boolean;
  isDeleted: boolean;
}

export interface Mapping extends MappingFacts {
  /** One or two, the current one first; none of a deleted mapping. */
  credentials: unknown[];
}

export type Mappings = Remembered<Mapping>;

/** How long another process may go on with what an admin route has changed. */
const rememberSeconds = 5;

export function createMappings(options: { db: Db; sealer: Sealer }): Mappings {
  const load = async (id: string) => {
    const row = await findMapping(options.db, id);
    return row && openMapping(row, options.sealer);
  };
  return remember(load, { seconds: rememberSeconds });
}

export function openMapping(row: MappingRow, sealer: Sealer): Mapping {
  return { ...describeMapping(row), credentials: openCredentials(row, sealer) };
}

/** Throws a ConfigError when this version lacks the mapping's adapter. */
export function describeMapping(row: MappingRow): MappingFacts {
  const adapter = adapterOf(row.provider);
  if (!adapter) throw new ConfigError(`mapping ${row.id} is of provider ${row.provider}, which this version lacks`);
  const { id, locationId, provider, address, conversationProviderId, type } = row;
  const { unknownSender, postAutomatic, postLists, onUnknownOutcome, stripQuoted } = row;
  const facts = { id, locationId, provider, address, conversationProviderId, type };
  return {
    ...facts,
    unknownSender,
    postAutomatic,
    postLists,
    onUnknownOutcome,
    stripQuoted,
    adapter,
    channel: adapter.channel,
    isDeleted: row.deletedAt !== null,
  };
}

function openCredentials(row: MappingRow, sealer: Sealer): unknown[] {
  if (row.sealedCredentials === null) return [];
  return JSON.parse(sealer.open(row.sealedCredentials, credentialsContext(row.id))) as unknown[];
}

export function sealCredentials(sealer: Sealer, mappingId: string, credentials: unknown[]): string {
  return sealer.seal(JSON.stringify(credentials), credentialsContext(mappingId));
}

const credentialsContext = (mappingId: string) => `credentials of mapping ${mappingId}`;
