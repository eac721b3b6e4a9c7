import type { Attachment, CallAddition, ProviderEvent, ProviderMessage } from "../../model.ts";
import type { AccountFacts } from "../../registry/accounts.ts";
import type { MappingFacts } from "../../registry/mappings.ts";
import type { NewDelivery } from "../../store/deliveries.ts";
import { appendAttachments, type LockedCall, lockCalls } from "../../store/messages/calls.ts";
import type { Db } from "../../store/postgres/database.ts";
import { replayFailed } from "../../store/webhooks.ts";

/** What a provider tells later of a call. */
interface ToldAddition {
  account: Pick<AccountFacts, "id">;
  event: CallAddition;
  /** Does the same webhook tell of the call? */
  isWithCall?: boolean;
}

interface Additions {
  owed: NewDelivery[];
  /** Why one was passed over, if it was. */
  reasons: Map<ProviderEvent, string | undefined>;
  /** Those whose call is not here. They are read again when it is. */
  failures: Map<ProviderEvent, string>;
}

/** Adds recordings and transcripts to the calls that they are of, and owes HighLevel those that are new. */
export async function addToCalls(tx: Db, told: ToldAddition[]): Promise<Additions> {
  const additions: Additions = { owed: [], reasons: new Map(), failures: new Map() };
  const { find, arePosted } = await lockCalls(
    tx,
    told.map(({ account, event: { callId } }) => ({ accountId: account.id, callId })),
  );
  for (const { account, event, isWithCall } of told) {
    const calls = find(account.id, event.callId);
    const reasons: (string | undefined)[] = [];
    for (const call of calls) reasons.push(await addToCall(tx, call, event, additions.owed));
    if (calls.length > 0) additions.reasons.set(event, reasons.includes(undefined) ? undefined : reasons[0]);
    else if (isWithCall) additions.reasons.set(event, "of a call that is passed over");
    else if (arePosted(account.id)) additions.failures.set(event, unknownCall(event.callId));
    else additions.reasons.set(event, "of a call, and no mapping of the account names a callProviderId");
  }
  return additions;
}

/** HighLevel takes five. Each that is added has all others written anew. */
const maxFiles = 50;

async function addToCall(
  tx: Db,
  call: LockedCall,
  { attachments }: CallAddition,
  owed: NewDelivery[],
): Promise<string | undefined> {
  const { attachmentKeys: known, conversationId, locationId, messageId } = call;
  if (!known) return "its call was deleted after RETENTION_DAYS";
  const news = attachments.filter((each) => !keysOf(each).some((key) => known.has(key)));
  if (news.length === 0) return "duplicate: the call has it already";
  const added = news.slice(0, Math.max(0, maxFiles - call.attachmentCount));
  await appendAttachments(tx, messageId, { added, leftOut: news.length - added.length });
  if (added.length === 0) return `the call has ${maxFiles} files already: no more are kept`;
  for (const { id, url } of added) known.add(id ?? url ?? "");
  call.attachmentCount += added.length;
  if (!owed.some((each) => each.messageId === messageId))
    owed.push({ kind: "add-to-call", conversationId, locationId, messageId });
  return undefined;
}

/** A recording may have come with the call, without an id, and be told of once more by itself. */
const keysOf = ({ id, url }: Attachment) => [id, url].flatMap((key) => key ?? []);

/** Lets what came before its call be processed again, within a second: when the worker looks next. */
export async function readAdditionsAgain(
  tx: Db,
  stored: { mapping: Pick<MappingFacts, "accountId">; event: ProviderMessage }[],
): Promise<void> {
  const calls = stored.filter(({ event }) => event.call);
  const accountIds = new Set(calls.map(({ mapping }) => mapping.accountId));
  for (const accountId of accountIds) {
    const own = calls.filter(({ mapping }) => mapping.accountId === accountId);
    await replayFailed(
      tx,
      accountId,
      own.flatMap(({ event: { providerMessageId } }) => [unknownCall(providerMessageId), formerly(providerMessageId)]),
    );
  }
}

/** Why the webhook has failed that brings something to a call of which nothing is known. */
const unknownCall = (callId: string) =>
  `${formerly(callId)}. None comes of a caller who is passed over, as without a number, and none to a number whose mapping names no callProviderId: PATCH it for the next ones, or turn this off at the provider`;
/** As it was said before. */
const formerly = (callId: string) =>
  `no call ${callId} is known: where it comes later, what is told here is added to it by itself`;
