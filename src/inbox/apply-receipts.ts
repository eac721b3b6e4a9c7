import { applyReceipt, isWorthReporting, reportInSeconds } from "../messages/message-state.ts";
import type { Receipt } from "../model.ts";
import { parseReference } from "../providers/kit/reference.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { keepFates, lockSentMessages, type SentMessageRow } from "../store/messages/sent-messages.ts";
import type { Db } from "../store/postgres/database.ts";

export interface MappedReceipt {
  mapping: MappingFacts;
  receipt: Receipt;
}

/**
 * Takes in what providers say became of messages that we sent, in the order given; what is new, HighLevel is owed.
 * A receipt carries the reference that the send gave along, so that it may come before the send is recorded. Where nobody
 * signed that reference, the provider's id counts before it: a receipt may have been recorded, and posted again under the
 * reference of another message. Gives the receipts that are about a message of their mapping. The messages stay locked until the transaction ends.
 */
export async function applyReceipts(
  { tx, visibleAfterSeconds }: { tx: Db; visibleAfterSeconds: number },
  received: MappedReceipt[],
): Promise<{ known: Set<Receipt>; owed: NewDelivery[] }> {
  const before = await lockSentMessages(tx, received.map(keyOf));
  const after = [...before];
  const channels = new Map(received.map(({ mapping }) => [mapping.id, mapping.channel]));
  const known = new Set<Receipt>();
  for (const { mapping, receipt } of received) {
    const index = findSent(after, mapping, receipt);
    const sent = after[index];
    if (!sent) continue;
    known.add(receipt);
    const about = { channel: mapping.channel, address: sent.conversation.address, message: sent.message };
    after[index] = { ...sent, message: applyReceipt(about, receipt) };
  }

  const changes = after.flatMap((sent, index) => {
    const earlier = before[index]?.message;
    return earlier && earlier !== sent.message ? { ...sent, earlier } : [];
  });
  await keepFates(
    tx,
    changes.map(({ message }) => message),
  );
  const owed = changes.flatMap(({ message, conversation, earlier }): NewDelivery[] => {
    const channel = channels.get(message.mappingId ?? "");
    if (!channel || message.origin !== "highlevel" || !isWorthReporting(channel, earlier, message)) return [];
    const { id: conversationId, locationId } = conversation;
    const inSeconds = reportInSeconds(visibleAfterSeconds, message);
    return [{ kind: "report-status", conversationId, locationId, messageId: message.id, inSeconds }];
  });
  return { known, owed };
}

function keyOf({ mapping, receipt: { reference, providerMessageId } }: MappedReceipt) {
  const isOurs = parseReference(reference) !== undefined;
  return { mappingId: mapping.id, reference: isOurs ? reference : undefined, providerMessageId };
}

/** By our reference, else by the provider's id; -1 for a message that this mapping has not sent. */
function findSent(sent: SentMessageRow[], { id, adapter }: MappingFacts, receipt: Receipt): number {
  const { reference, providerMessageId } = receipt;
  const byId = sent.findIndex(
    ({ message }) => message.mappingId === id && message.providerMessageId === providerMessageId,
  );
  const byReference = sent.findIndex(({ message }) => message.mappingId === id && String(message.id) === reference);
  if (byReference === -1) return byId;
  const isNew = byId === -1 && sent[byReference]?.message.providerMessageId === null;
  return adapter.isReferenceSigned || isNew ? byReference : byId;
}
