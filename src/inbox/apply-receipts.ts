import { type Happening, messageFailed } from "../events/owe-events.ts";
import { applyReceipt, isWorthReporting, reportInSeconds } from "../messages/message-state.ts";
import type { MessageState, Receipt } from "../model.ts";
import { parseReference } from "../providers/kit/reference.ts";
import type { AccountFacts } from "../registry/accounts.ts";
import type { ConsentOf } from "../registry/opt-outs/change-consents.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { keepFates, lockSentMessages, type SentMessageRow } from "../store/messages/sent-messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Message } from "../store/schema.ts";
import { consentOfReceipt, othersOf } from "./consent/consents.ts";

export interface AccountReceipt {
  account: AccountFacts;
  receipt: Receipt;
}

/**
 * Takes in what providers say became of messages that we sent, in the order given; what is new, HighLevel is owed.
 * A receipt carries the reference that the send gave along, so that it may come before the send is recorded. Where nobody
 * signed that reference, the provider's id counts before it: a receipt may have been recorded, and posted again under the
 * reference of another message. Gives the receipts that are about a message of their account. The messages stay locked
 * until the transaction ends.
 */
export async function applyReceipts(
  { tx, visibleAfterSeconds }: { tx: Db; visibleAfterSeconds: number },
  received: AccountReceipt[],
): Promise<{ known: Set<Receipt>; owed: NewDelivery[]; happened: Happening[]; consents: Map<Receipt, ConsentOf[]> }> {
  const before = await lockSentMessages(tx, received.map(keyOf));
  const after = [...before];
  const channels = new Map(received.map(({ account }) => [account.id, account.channel]));
  const known = new Set<Receipt>();
  const consents = new Map<Receipt, ConsentOf[]>();
  const places = createPlaces(after);
  const othersOfMessage = rememberOthers();
  for (const { account, receipt } of received) {
    const place = places.find(account, receipt);
    const sent = after[place ?? -1];
    if (!sent || place === undefined) continue;
    known.add(receipt);
    const { conversation, message: about, type } = sent;
    const others = () => othersOfMessage(about);
    consents.set(receipt, consentOfReceipt(account, receipt, { conversation, message: about, type, others }));
    const { channel } = account;
    const message = applyReceipt({ channel, address: conversation.address, message: about }, receipt);
    after[place] = { ...sent, message };
    places.put(after[place] as SentMessageRow, place);
  }

  const changes = after.flatMap((sent, index) => {
    const earlier = before[index]?.message;
    return earlier && earlier !== sent.message ? { ...sent, earlier } : [];
  });
  await keepFates(
    tx,
    changes.map(({ message }) => message),
  );
  const owed = changes.flatMap(({ message, conversation, accountId, earlier }): NewDelivery[] => {
    const channel = channels.get(accountId);
    if (!channel || message.origin !== "highlevel" || !isWorthReporting(channel, earlier, message)) return [];
    const { id: conversationId, locationId } = conversation;
    const inSeconds = reportInSeconds(visibleAfterSeconds, message);
    return [{ kind: "report-status", conversationId, locationId, messageId: message.id, inSeconds }];
  });
  return { known, owed, happened: changes.flatMap(happeningsOf), consents };
}

/** Looked up once for each message, of which thousands of receipts may come together. */
function rememberOthers() {
  const known = new Map<number, ReturnType<typeof othersOf>>();
  return (message: Message) => {
    const others = known.get(message.id) ?? othersOf(message);
    known.set(message.id, others);
    return others;
  };
}

/** An email that was read, or marked as spam, has arrived, whether or not that was told before. */
const arrived = new Set<MessageState>(["delivered", "read", "complained"]);

function happeningsOf({ message, earlier, conversation }: SentMessageRow & { earlier: Message }): Happening[] {
  const { id: messageId, state } = message;
  const { locationId } = conversation;
  if (state === earlier.state) return [];
  if (state === "failed") return [messageFailed(locationId, message)];
  return arrived.has(state) && !arrived.has(earlier.state)
    ? [{ type: "message.delivered", locationId, messageId }]
    : [];
}

function keyOf({ account, receipt: { reference, providerMessageId } }: AccountReceipt) {
  const isOurs = parseReference(reference) !== undefined;
  return { accountId: account.id, reference: isOurs ? reference : undefined, providerMessageId };
}

/**
 * Where each message stands, by its account and our reference, or by its account and the provider's id, or by the Message-ID,
 * which is all that a report knows that comes as mail; of two that have the same the first. Kept in maps: a batch may hold thousands of receipts of as many messages.
 */
function createPlaces(sent: SentMessageRow[]) {
  const byReference = new Map<string, number>();
  const byProviderId = new Map<string, number>();
  const byMessageId = new Map<string, number>();
  const keep = (places: Map<string, number>, key: string, place: number) =>
    places.set(key, Math.min(place, places.get(key) ?? place));
  const put = ({ accountId, message }: SentMessageRow, place: number) => {
    const { id, providerMessageId, rfcMessageId } = message;
    byReference.set(`${accountId} ${id}`, place);
    if (providerMessageId !== null) keep(byProviderId, `${accountId} ${providerMessageId}`, place);
    if (rfcMessageId !== null) keep(byMessageId, `${accountId} ${rfcMessageId.toLowerCase()}`, place);
  };
  for (const [place, each] of sent.entries()) put(each, place);
  return {
    put,
    /**
     * By our reference where it is signed, or where the message has no id yet, or this one; else by the provider's id. A
     * gateway may give messages of two of the account's numbers the same id.
     */
    find({ id, adapter }: AccountFacts, { reference, providerMessageId }: Receipt) {
      const byId =
        byProviderId.get(`${id} ${providerMessageId}`) ?? byMessageId.get(`${id} ${providerMessageId.toLowerCase()}`);
      const place = byReference.get(`${id} ${reference}`);
      if (place === undefined) return byId;
      const known = sent[place]?.message.providerMessageId;
      const isNew = byId === undefined && known === null;
      return adapter.isReferenceSigned || isNew || known === providerMessageId ? place : byId;
    },
  };
}
