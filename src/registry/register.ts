import { tokenContext } from "../access/sealed-tokens.ts";
import { InvalidRequest } from "../errors.ts";
import type { HighlevelMessageType, ListPolicy, UnknownOutcomePolicy, UnknownSenderPolicy } from "../model.ts";
import { providersOf } from "../providers/registry.ts";
import type { Sealer } from "../secrets/seal.ts";
import { ensureConversation, type HighlevelIds, registerHighlevelIds } from "../store/conversations.ts";
import { replayDeliveries } from "../store/deliveries.ts";
import { deleteLocation, findLocation, putLocation } from "../store/locations.ts";
import { findMappingByAddress, insertMapping, keepOneDefault, listMappings, updateMapping } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import { sqlStateOf } from "../store/postgres/database-errors.ts";
import type { Conversation, Location, MappingRow } from "../store/schema.ts";
import { sealCredentials } from "./mappings.ts";
import { requireAdapter, requireAddress, requireCredentials, requireType } from "./require-fitting.ts";

/** What integrators register: locations, mappings, and who is which conversation. Each function throws an InvalidRequest. */
export interface RegisterContext {
  db: Db;
  sealer: Sealer;
}

export async function registerLocation(
  { db, sealer }: RegisterContext,
  location: { id: string; name?: string | undefined; token: string },
): Promise<Location> {
  const { id, name, token } = location;
  return putLocation(db, { id, name, sealedToken: sealer.seal(token, tokenContext(id)) });
}

export async function removeLocation({ db }: RegisterContext, id: string): Promise<void> {
  if (!(await findLocation(db, id))) throw new InvalidRequest("not_found", `there is no location ${id}`);
  const [mapping] = await listMappings(db, { locationId: id, limit: 1 });
  if (mapping) {
    throw new InvalidRequest(
      "conflict",
      `location ${id} still has mappings, such as ${mapping.id}: delete those first`,
    );
  }
  await deleteLocation(db, id);
}

export interface MappingInput {
  locationId: string;
  provider: string;
  address: string;
  /** Left out for the location's default provider of the channel, which private integration tokens reach, too. */
  conversationProviderId?: string | null | undefined;
  type?: HighlevelMessageType | undefined;
  /** One, or two while a secret is rotated: the current one first. */
  credentials: unknown;
  unknownSender?: UnknownSenderPolicy | undefined;
  postAutomatic?: boolean | undefined;
  postLists?: ListPolicy | undefined;
  onUnknownOutcome?: UnknownOutcomePolicy | undefined;
  isDefault?: boolean | undefined;
  stripQuoted?: boolean | undefined;
  name?: string | undefined;
}

export interface RegisteredMapping {
  mapping: MappingRow;
  /** As they will be used: checked and opened. */
  credentials: unknown[];
}

/**
 * New mappings begin with `Custom`, which extra conversation providers take; another that fits is found by itself. One
 * without a conversation provider has its channel's own type, by which HighLevel knows the default one. An
 * address is taken within its location alone: whoever else has it, or says so, is nothing to this one.
 */
export async function registerMapping(
  { db, sealer }: RegisterContext,
  input: MappingInput,
): Promise<RegisteredMapping> {
  const adapter = requireAdapter(input.provider);
  const address = requireAddress(adapter, input.address);
  const { locationId, provider, conversationProviderId = null, name = null } = input;
  const type = requireType(adapter, conversationProviderId, input.type);
  const credentials = requireCredentials(adapter, input.provider, input.credentials);
  if (!(await findLocation(db, input.locationId))) {
    throw new InvalidRequest("invalid", "the location is not registered", [
      {
        path: "locationId",
        message: `unknown location: PUT /admin/locations/${input.locationId} with its token first`,
      },
    ]);
  }
  const id = crypto.randomUUID();
  const { unknownSender = "create", postAutomatic = false, isDefault = false, stripQuoted = false } = input;
  const sealedCredentials = sealCredentials(sealer, id, credentials);
  const row = { id, locationId, provider, address, conversationProviderId, type, name, sealedCredentials };
  const { onUnknownOutcome = "repost", postLists = "people" } = input;
  const settings = { unknownSender, postAutomatic, postLists, onUnknownOutcome, isDefault, stripQuoted };
  try {
    const mapping = await db.transaction(async (tx) => {
      if (isDefault) await keepOneDefault(tx, { id, locationId }, providersOf(adapter.channel));
      return insertMapping(tx, { ...row, ...settings });
    });
    return { mapping, credentials };
  } catch (error) {
    if (sqlStateOf(error) !== "23505") throw error;
    const other = await findMappingByAddress(db, { locationId, provider, address });
    const message = `mapping ${other?.id ?? "that was there"} stands for it: change or delete that one`;
    throw new InvalidRequest("conflict", `the address is mapped already at ${provider}`, [
      { path: "address", message },
    ]);
  }
}

export interface MappingChange {
  conversationProviderId?: string | null | undefined;
  type?: HighlevelMessageType | undefined;
  credentials?: unknown;
  unknownSender?: UnknownSenderPolicy | undefined;
  postAutomatic?: boolean | undefined;
  postLists?: ListPolicy | undefined;
  onUnknownOutcome?: UnknownOutcomePolicy | undefined;
  isDefault?: boolean | undefined;
  stripQuoted?: boolean | undefined;
  name?: string | null | undefined;
}

export async function changeMapping(
  { db, sealer }: RegisterContext,
  mapping: MappingRow,
  change: MappingChange,
): Promise<RegisteredMapping> {
  const adapter = requireAdapter(mapping.provider);
  const { credentials: newCredentials, type, ...rest } = change;
  const credentials = newCredentials === undefined ? [] : requireCredentials(adapter, mapping.provider, newCredentials);
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const { conversationProviderId: providerId = mapping.conversationProviderId } = change;
  const isTypeKept = type === undefined && (providerId !== null || change.conversationProviderId === undefined);
  const changed = await db.transaction(async (tx) => {
    if (rest.isDefault) await keepOneDefault(tx, mapping, providersOf(adapter.channel));
    return updateMapping(tx, mapping.id, {
      ...Object.fromEntries(given),
      ...(isTypeKept ? {} : { type: requireType(adapter, providerId, type) }),
      ...(credentials.length === 0 ? {} : { sealedCredentials: sealCredentials(sealer, mapping.id, credentials) }),
    });
  });
  if (!changed) throw new InvalidRequest("not_found", `there is no mapping ${mapping.id}`);
  return { mapping: changed, credentials };
}

/** Says who a sender is in HighLevel, and lets go what was held for want of that. */
export async function registerConversation(
  { db }: RegisterContext,
  mapping: MappingRow,
  input: { address: string } & HighlevelIds,
): Promise<{ conversation: Conversation; replayed: number }> {
  const address = requireAddress(requireAdapter(mapping.provider), input.address);
  return db.transaction(async (tx) => {
    const { id } = await ensureConversation(tx, { mappingId: mapping.id, locationId: mapping.locationId, address });
    const conversation = await registerHighlevelIds(tx, id, input);
    const held = { conversationId: id, reason: "unknown_sender" as const, limit: 100_000 };
    const { replayed } = await replayDeliveries(tx, held);
    return { conversation, replayed };
  });
}
