import { InvalidRequest } from "../errors.ts";
import type {
  DmarcPolicy,
  HighlevelMessageType,
  ListPolicy,
  UnknownOutcomePolicy,
  UnknownSenderPolicy,
  Weekday,
} from "../model.ts";
import type { Adapter } from "../providers/kit/adapter.ts";
import { providersOf } from "../providers/registry.ts";
import {
  addLocation,
  deleteAccount,
  findAccount,
  insertAccount,
  lockAccount,
  updateAccount,
} from "../store/accounts.ts";
import { addMailbox } from "../store/mailboxes/mailboxes.ts";
import {
  deleteMapping,
  findMappingByAddress,
  findMappings,
  insertMapping,
  keepOneDefault,
  updateMapping,
} from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import { sqlStateOf } from "../store/postgres/database-errors.ts";
import type { AccountRow, MappingRow, NewAccount } from "../store/schema.ts";
import { replayUnmapped } from "../store/webhooks.ts";
import { carrySends } from "../store/windows/daily-sends.ts";
import { wakeSends } from "../store/windows/send-rules.ts";
import { sealCredentials } from "./accounts.ts";
import { holdDeclared, learnOf } from "./learn-providers.ts";
import { carryOptOuts } from "./opt-outs/carry-opt-outs.ts";
import type { RegisterContext } from "./register.ts";
import { requireLocation } from "./register-account.ts";
import {
  requireAdapter,
  requireCalls,
  requireCredentials,
  requireDmarc,
  requireListUnsubscribe,
  requireMappedAddress,
  requireReplyTokens,
  requireType,
  requireWindow,
  windowSettings,
} from "./require-fitting.ts";
import { requireRoomForMapping } from "./require-room.ts";

/** Numbers and mailboxes, as integrators register them. Each function throws an InvalidRequest. */

/** What a mapping can be told when it is registered, and later. */
interface MappingSettings {
  /** Left out for the location's default provider of the channel, which private integration tokens reach, too. */
  conversationProviderId?: string | null | undefined;
  type?: HighlevelMessageType | undefined;
  /** Of a number whose calls are to be in HighLevel, too. */
  callProviderId?: string | null | undefined;
  unknownSender?: UnknownSenderPolicy | undefined;
  postAutomatic?: boolean | undefined;
  postLists?: ListPolicy | undefined;
  onUnknownOutcome?: UnknownOutcomePolicy | undefined;
  isDefault?: boolean | undefined;
  userIds?: string[] | null | undefined;
  stripQuoted?: boolean | undefined;
  replyTokens?: boolean | undefined;
  listUnsubscribe?: boolean | undefined;
  dmarcFailures?: DmarcPolicy | undefined;
  sendFrom?: string | null | undefined;
  sendUntil?: string | null | undefined;
  sendDays?: Weekday[] | null | undefined;
  timeZone?: string | null | undefined;
  answerHours?: number | null | undefined;
  dailyCap?: number | null | undefined;
}

export interface MappingInput extends MappingSettings {
  /** One that is there; or `provider` and `credentials`, for one that is made along with the mapping. */
  accountId?: string | undefined;
  provider?: string | undefined;
  credentials?: unknown;
  locationId: string;
  address: string;
  name?: string | undefined;
}

export interface RegisteredMapping {
  mapping: MappingRow;
  account: AccountRow;
  /** As they will be used: checked and opened; empty where none were given. */
  credentials: unknown[];
  /** Webhooks that had failed for want of this mapping, and are processed again. */
  replayed: number;
}

/**
 * New mappings begin with `Custom`, which extra conversation providers take; another that fits is found by itself. One
 * without a conversation provider has its channel's own type, by which HighLevel knows the default one. An
 * address is taken within its location alone: whoever else has it, or says so, is nothing to this one.
 *
 * Whether the location may use the account that is there is the caller's to check.
 */
export async function registerMapping(
  context: RegisterContext,
  input: MappingInput,
  existing?: AccountRow,
): Promise<RegisteredMapping> {
  const { db } = context;
  const { locationId } = input;
  const id = crypto.randomUUID();
  await learnOf(db, existing?.provider ?? input.provider ?? "");
  const made = existing ? undefined : newAccount(context, id, input);
  const provider = existing?.provider ?? input.provider ?? "";
  const adapter = requireAdapter(provider);
  const address = requireMappedAddress(adapter, input.address);
  const { conversationProviderId = null, name = null } = input;
  const type = requireType(adapter, input, input.type);
  await requireLocation(db, locationId);
  await requireRoomForMapping(db, locationId);
  const { unknownSender = "create", postAutomatic = false, isDefault = false, stripQuoted = false } = input;
  const { onUnknownOutcome = "repost", postLists = "people", callProviderId = null } = input;
  const { replyTokens = false, listUnsubscribe = false, dmarcFailures = "post", userIds = null } = input;
  const settings = {
    callProviderId: requireCalls(adapter, address, callProviderId),
    unknownSender,
    postAutomatic,
    postLists,
    onUnknownOutcome,
    isDefault,
    userIds,
    stripQuoted,
    replyTokens: requireReplyTokens(adapter, replyTokens),
    listUnsubscribe: requireListUnsubscribe(adapter, listUnsubscribe),
    dmarcFailures: requireDmarc(adapter, dmarcFailures),
    ...requireWindow(input),
  };
  const row = { id, locationId, provider, address, conversationProviderId, type, name, ...settings };
  return orConflict(db, row, () =>
    db.transaction(async (tx) => {
      if (existing) await lockAccount(tx, existing.id);
      else await holdDeclared(tx, provider);
      const account = existing ?? (await insertAccount(tx, made?.row as NewAccount));
      if (!existing && adapter.mailbox) await addMailbox(tx, account.id);
      if (isDefault) await keepOneDefault(tx, { id, locationId }, providersOf(adapter.channel));
      const sealedCredentials = made?.row.sealedCredentials ?? null;
      const mapping = await insertMapping(tx, { ...row, accountId: account.id, sealedCredentials });
      await serveAlso(tx, account, locationId);
      await carryOptOuts(tx, adapter.channel, mapping);
      const replayed = await replayUnmapped(tx, account.id, [soughtIn(address)]);
      return { mapping, account, credentials: made?.credentials ?? [], replayed };
    }),
  );
}

/** The account that a mapping brings along has its id: what is pasted at the provider names the number that it is for. */
function newAccount({ sealer }: RegisterContext, id: string, input: MappingInput) {
  const { provider, locationId, name = null } = input;
  if (provider === undefined) {
    throw new InvalidRequest("invalid", "which account is it of?", [
      { path: "accountId", message: "is required; or provider and credentials, for an account of its own" },
    ]);
  }
  const credentials = requireCredentials(requireAdapter(provider), provider, input.credentials);
  const sealedCredentials = sealCredentials(sealer, id, credentials);
  return { credentials, row: { id, provider, name, locationIds: [locationId], sealedCredentials } };
}

/** An account that is nobody's but the operator's stays so. */
async function serveAlso(tx: Db, account: AccountRow, locationId: string): Promise<void> {
  const { id, locationIds } = account;
  if (locationIds.length > 0 && !locationIds.includes(locationId)) await addLocation(tx, id, locationId);
}

/** What a webhook's reason names that failed for want of a mapping of this address: the number, or a mailbox's domain. */
const soughtIn = (address: string) => address.slice(Math.max(0, address.lastIndexOf("@")));

type Place = Pick<MappingRow, "locationId" | "provider" | "address">;

async function orConflict<Result>(db: Db, place: Place, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (sqlStateOf(error) !== "23505") throw error;
    const other = await findMappingByAddress(db, place);
    if (!other) throw notForThisOne();
    throw new InvalidRequest("conflict", `the address is mapped already at ${place.provider}`, [
      { path: "address", message: `mapping ${other.id} stands for it: change or delete that one` },
    ]);
  }
}

/** In an account of several another location may have it: that is not told to whom it is nothing. */
export const notForThisOne = () =>
  new InvalidRequest("conflict", "the address cannot be mapped in this account", [
    {
      path: "address",
      message: "cannot be mapped in this account; whoever holds ADMIN_API_KEY finds out why by GET /admin/mappings",
    },
  ]);

export interface MappingChange extends MappingSettings {
  /** Moves the mapping: people's links of the old location stay there, and so does what was acknowledged before. */
  locationId?: string | undefined;
  address?: string | undefined;
  /** Of the mapping's own account: of one that is shared they are changed there. */
  credentials?: unknown;
  name?: string | null | undefined;
}

export async function changeMapping(
  context: RegisterContext,
  mapping: MappingRow,
  change: MappingChange,
): Promise<RegisteredMapping> {
  const { db, sealer } = context;
  const adapter = requireAdapter(mapping.provider);
  const { locationId = mapping.locationId } = change;
  const credentials = newCredentials(adapter, mapping, change);
  const changes = changesOf(adapter, mapping, change);
  const isMoved = locationId !== mapping.locationId;
  if (isMoved) await requireLocation(db, locationId);
  if (isMoved) await requireRoomForMapping(db, locationId);
  return orConflict(db, { ...mapping, ...changes, locationId }, () =>
    db.transaction(async (tx) => {
      // What is being processed for it goes by where the number was: a STOP among it is carried along.
      await lockAccount(tx, mapping.accountId);
      const { account, kept } = await keepChange(tx, mapping, { ...changes, locationId });
      if (change.isDefault || (isMoved && kept.isDefault)) await keepOneDefault(tx, kept, providersOf(adapter.channel));
      if (credentials.length > 0)
        await updateAccount(tx, account.id, {
          sealedCredentials: sealCredentials(sealer, account.id, credentials),
          areCredentialsNew: change.credentials !== undefined,
        });
      if (isMoved) await carryOptOuts(tx, adapter.channel, kept);
      if (changesWindow(change)) await wakeSends(tx, kept.id);
      const replayed = await replayNewlyMapped(tx, mapping, kept);
      return { mapping: kept, account, credentials, replayed };
    }),
  );
}

async function replayNewlyMapped(tx: Db, before: MappingRow, { accountId, ...kept }: MappingRow): Promise<number> {
  const isSame = kept.locationId === before.locationId && kept.address === before.address;
  return isSame ? 0 : replayUnmapped(tx, accountId, [soughtIn(kept.address)]);
}

async function keepChange(
  tx: Db,
  mapping: MappingRow,
  change: Partial<MappingRow> & { locationId: string },
): Promise<{ account: AccountRow; kept: MappingRow }> {
  const isMoved = change.locationId !== mapping.locationId;
  const account = await findAccount(tx, mapping.accountId);
  const kept = isMoved ? await moveMapping(tx, mapping, change) : await updateMapping(tx, mapping.id, change);
  if (!kept || !account) throw new InvalidRequest("not_found", `there is no mapping ${mapping.id}`);
  if (isMoved) await serveAlso(tx, account, change.locationId);
  else if (kept.address !== mapping.address) await keepFormerAddress(tx, mapping);
  return { account, kept };
}

/** What came to the address before is taken in by a mapping that ends where this one has another address. */
async function keepFormerAddress(tx: Db, mapping: MappingRow): Promise<void> {
  const id = crypto.randomUUID();
  await insertMapping(tx, { ...asNew(mapping), id, isDefault: false });
  await deleteMapping(tx, id, mapping.id);
}

function newCredentials(adapter: Adapter, mapping: MappingRow, { credentials }: MappingChange): unknown[] {
  if (credentials === undefined) return [];
  if (mapping.accountId !== mapping.id) throw sharedCredentials(mapping.accountId);
  return requireCredentials(adapter, mapping.provider, credentials);
}

const changesWindow = (change: MappingChange) => windowSettings.some((name) => change[name] !== undefined);

/** Of the mapping's row. */
function changesOf(adapter: Adapter, mapping: MappingRow, change: MappingChange): Partial<MappingRow> {
  const { locationId: _locationId, credentials: _credentials, type, address, ...rest } = change;
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const { conversationProviderId: providerId = mapping.conversationProviderId } = change;
  const { callProviderId = mapping.callProviderId } = change;
  const ids = { conversationProviderId: providerId, callProviderId };
  const isTypeKept = type === undefined && (providerId !== null || change.conversationProviderId === undefined);
  if (isTypeKept && mapping.type === "Call") requireType(adapter, ids, mapping.type);
  return {
    ...Object.fromEntries(given),
    ...(isTypeKept ? {} : { type: requireType(adapter, ids, type) }),
    ...(address === undefined ? {} : { address: requireMappedAddress(adapter, address) }),
    ...(rest.callProviderId === undefined && address === undefined
      ? {}
      : { callProviderId: requireCalls(adapter, address ?? mapping.address, callProviderId) }),
    ...(rest.replyTokens === undefined ? {} : { replyTokens: requireReplyTokens(adapter, rest.replyTokens) }),
    ...(rest.listUnsubscribe === undefined
      ? {}
      : { listUnsubscribe: requireListUnsubscribe(adapter, rest.listUnsubscribe) }),
    ...(rest.dmarcFailures === undefined ? {} : { dmarcFailures: requireDmarc(adapter, rest.dmarcFailures) }),
    ...(changesWindow(change) ? requireWindow({ ...mapping, ...Object.fromEntries(given) }) : {}),
  };
}

const sharedCredentials = (accountId: string) =>
  new InvalidRequest("invalid", "the credentials are those of an account", [
    { path: "credentials", message: `PATCH /admin/accounts/${accountId}: they are for all its numbers and mailboxes` },
  ]);

/** It goes on under another id: whatever names the old one, messages that wait too, stays in the old location. */
async function moveMapping(tx: Db, mapping: MappingRow, change: Partial<MappingRow>): Promise<MappingRow | undefined> {
  const id = crypto.randomUUID();
  if (!(await deleteMapping(tx, mapping.id, id))) return undefined;
  const moved = await insertMapping(tx, { ...asNew(mapping), ...change, id });
  await carrySends(tx, mapping.id, id);
  return moved;
}

function asNew(mapping: MappingRow) {
  const { deletedAt: _deleted, movedTo: _moved, createdAt: _created, updatedAt: _updated, ...rest } = mapping;
  return { ...rest, sealedCredentials: null };
}

/** What was acknowledged before is still delivered. An account that came along with a mapping goes with the last one in it. */
export async function removeMapping({ db }: RegisterContext, mapping: MappingRow): Promise<void> {
  await db.transaction(async (tx) => {
    await deleteMapping(tx, mapping.id);
    // What is held back has nothing to wait for any more.
    await wakeSends(tx, mapping.id);
    const [first] = await findMappings(tx, [mapping.accountId]);
    if (first) await deleteAccount(tx, mapping.accountId);
  });
}
