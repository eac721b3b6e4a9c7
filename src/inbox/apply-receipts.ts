import { applyReceipt, isWorthReporting, reportInSeconds } from "../messages/message-state.ts";
import type { Receipt } from "../model.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { keepFate, lockSentMessages } from "../store/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Message } from "../store/schema.ts";

type Sent = { message: Message; conversation: Conversation };

/**
 * Takes in what a provider says became of messages that we sent, in the order given; what is new, HighLevel is owed.
 * A receipt carries the reference that the send gave along, so that it may come before the send is recorded. Gives, for
 * each receipt, whether it is about a message of this mapping. The messages stay locked until the transaction ends.
 */
export async function applyReceipts(
  { tx, visibleAfterSeconds }: { tx: Db; visibleAfterSeconds: number },
  mapping: MappingFacts,
  receipts: Receipt[],
): Promise<{ isKnown: boolean[]; owed: NewDelivery[] }> {
  if (receipts.length === 0) return { isKnown: [], owed: [] };
  const sent = await lockSentMessages(tx, mapping.id, {
    ids: receipts.flatMap(({ reference }) => (reference && /^\d{1,15}$/.test(reference) ? Number(reference) : [])),
    providerMessageIds: receipts.map((receipt) => receipt.providerMessageId),
  });
  const before = new Map(sent.map((each) => [each.message.id, each]));
  const isKnown = receipts.map((receipt) => {
    const found = findSent(sent, receipt);
    if (found) {
      const about = { channel: mapping.channel, address: found.conversation.address, message: found.message };
      sent[sent.indexOf(found)] = { ...found, message: applyReceipt(about, receipt) };
    }
    return found !== undefined;
  });

  const changed = sent.filter(({ message }) => before.get(message.id)?.message !== message);
  for (const { message } of changed) await keepFate(tx, message);
  const owed = changed.flatMap(({ message, conversation }): NewDelivery[] => {
    const earlier = before.get(message.id)?.message ?? message;
    if (message.origin !== "highlevel" || !isWorthReporting(mapping.channel, earlier, message)) return [];
    const { locationId } = mapping;
    const inSeconds = reportInSeconds(visibleAfterSeconds, message);
    return [{ kind: "report-status", conversationId: conversation.id, locationId, messageId: message.id, inSeconds }];
  });
  return { isKnown, owed };
}

function findSent(sent: Sent[], { reference, providerMessageId }: Receipt): Sent | undefined {
  return (
    sent.find(({ message }) => String(message.id) === reference) ??
    sent.find(({ message }) => message.providerMessageId === providerMessageId)
  );
}
