import type { Log } from "../log.ts";
import { contentOf } from "../messages/content.ts";
import { admit, heldDetail, ignoredReason } from "../messages/unknown-sender.ts";
import type { ProviderEvent, ProviderMessage, Receipt } from "../model.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import { ensureConversations, keyOf, type Person } from "../store/conversations.ts";
import { enqueueDeliveries, type NewDelivery } from "../store/deliveries.ts";
import { findSentRfcIds, insertMessages } from "../store/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, NewMessage, Webhook } from "../store/schema.ts";
import type { WebhookOutcome } from "../store/webhooks.ts";
import { applyReceipts } from "./apply-receipts.ts";
import { addressOfPerson, type Read, readProviderEvents, readWebhook } from "./read-webhook.ts";

/** A webhook that a provider posted to a mapping. */
export interface Provided {
  mapping: MappingFacts;
  webhook: Webhook;
}

/**
 * Turns what providers posted, to whichever mappings, into messages and the deliveries that they make us owe, in the order
 * given, and applies the receipts that it holds. A message that is known already is passed over. Gives what became of each
 * webhook.
 */
export async function acceptInbound(
  context: { tx: Db; log: Log; visibleAfterSeconds: number },
  provided: Provided[],
): Promise<WebhookOutcome[]> {
  const { tx, log } = context;
  const read = await Promise.all(
    provided.map(async ({ mapping, webhook }) => ({
      mapping,
      ...(await readWebhook(log, webhook, () => readProviderEvents(mapping, webhook))),
    })),
  );
  const receipts = await acceptReceipts(context, eventsOf(read, isReceipt));
  const messages = await acceptMessages(tx, eventsOf(read, isMessage));
  await enqueueDeliveries(tx, [...receipts.owed, ...messages.owed]);
  const reasons = new Map([...messages.reasons, ...receipts.reasons]);
  return read.map((each) => outcomeOf(each, reasons));
}

/** What was said, and why it was passed over if it was. */
type Reasons = Map<ProviderEvent, string | undefined>;

interface Taken {
  reasons: Reasons;
  owed: NewDelivery[];
}

interface Told<Event> extends Provided {
  event: Event;
}

function eventsOf<Event extends ProviderEvent>(
  read: (Read<ProviderEvent[]> & Provided)[],
  isWanted: (event: ProviderEvent) => event is Event,
): Told<Event>[] {
  return read.flatMap((each) => {
    const { mapping, webhook } = each;
    return "said" in each ? each.said.filter(isWanted).map((event) => ({ mapping, webhook, event })) : [];
  });
}

const isMessage = (event: ProviderEvent): event is ProviderMessage => event.kind === "message";
const isReceipt = (event: ProviderEvent): event is Receipt => event.kind === "receipt";

/** Processed when anything in it was new; else ignored, and why. */
function outcomeOf(read: Read<ProviderEvent[]>, reasons: Reasons): WebhookOutcome {
  const { id } = read.webhook;
  if ("failure" in read) return { id, state: "failed", reason: read.failure };
  const why = read.said.map((event) => (event.kind === "ignored" ? event.reason : reasons.get(event)));
  if (why.includes(undefined)) return { id, state: "processed", reason: undefined };
  return { id, state: "ignored", reason: [...new Set(why)].join("; ") || "the webhook holds no events" };
}

async function acceptReceipts(context: { tx: Db; visibleAfterSeconds: number }, told: Told<Receipt>[]): Promise<Taken> {
  const reasons: Reasons = new Map();
  const owed: NewDelivery[] = [];
  for (const [mapping, receipts] of byMapping(told)) {
    const applied = await applyReceipts(context, mapping, receipts);
    owed.push(...applied.owed);
    for (const [index, receipt] of receipts.entries()) {
      reasons.set(receipt, applied.isKnown[index] ? undefined : foreignReceipt);
    }
  }
  return { reasons, owed };
}

const foreignReceipt = "receipt of a message that this mapping has not sent";

function byMapping<Event>(told: Told<Event>[]): Map<MappingFacts, Event[]> {
  const events = new Map<MappingFacts, Event[]>();
  for (const { mapping, event } of told) events.set(mapping, [...(events.get(mapping) ?? []), event]);
  return events;
}

/** Stores the messages that are new, and owes HighLevel each of them. */
async function acceptMessages(tx: Db, told: Told<ProviderMessage>[]): Promise<Taken> {
  const addressed = told.map((each) => ({ ...each, person: personOf(each) }));
  const conversations = await ensureConversations(
    tx,
    addressed.flatMap(({ person }) => person ?? []),
  );
  const isOurs = await findCopies(tx, told);

  const reasons: Reasons = new Map();
  const accepted: Accepted[] = [];
  for (const { mapping, webhook, event, person } of addressed) {
    const conversation = person && conversations.get(keyOf(person));
    if (isOurs.has(event)) reasons.set(event, "a copy of an email that this bridge has sent");
    else if (!conversation || admit(mapping, conversation) === "ignored") {
      reasons.set(event, ignoredReason);
    } else {
      reasons.set(event, "duplicate: a message with this providerMessageId is known");
      accepted.push({ row: newMessage(mapping, conversation, webhook, event), mapping, conversation, event });
    }
  }
  const stored = await insertMessages(
    tx,
    accepted.map(({ row }) => row),
  );
  // Of the same message twice in one batch the first is the new one.
  const newIds = new Map(
    stored.map((message) => [`${message.conversationId} ${message.providerMessageId}`, message.id]),
  );
  const owed: NewDelivery[] = [];
  for (const each of accepted) {
    const { conversation, event } = each;
    const key = `${conversation.id} ${event.providerMessageId}`;
    const messageId = newIds.get(key);
    if (messageId === undefined) continue;
    newIds.delete(key);
    reasons.set(event, undefined);
    owed.push(...deliveryOf(each, messageId));
  }
  return { reasons, owed };
}

interface Accepted {
  mapping: MappingFacts;
  conversation: Conversation;
  event: ProviderMessage;
  row: NewMessage;
}

/** None for what a machine wrote, and a dead one for whom the mapping does not let in yet. */
function deliveryOf({ mapping, conversation, event }: Accepted, messageId: number): NewDelivery[] {
  if (event.automatic && !mapping.postAutomatic) return [];
  const isHeld = admit(mapping, conversation) === "held";
  const dead = isHeld ? { reason: "unknown_sender" as const, detail: heldDetail } : undefined;
  const { locationId } = mapping;
  return [{ kind: "post-inbound", conversationId: conversation.id, locationId, messageId, dead }];
}

function personOf({ mapping, event }: Told<ProviderMessage>): Person | undefined {
  const address = addressOfPerson(mapping, event);
  const { id: mappingId, locationId, unknownSender } = mapping;
  return address === undefined
    ? undefined
    : { mappingId, locationId, address, onlyIfKnown: unknownSender === "ignore" };
}

/** Mails of the business that are our own sendings, seen in a copy. */
async function findCopies(tx: Db, told: Told<ProviderMessage>[]): Promise<Set<ProviderMessage>> {
  const copies = new Set<ProviderMessage>();
  for (const [mapping, messages] of byMapping(told.filter(({ event }) => event.direction === "outbound"))) {
    const sentIds = await findSentRfcIds(
      tx,
      mapping.id,
      messages.flatMap(({ rfcMessageId }) => rfcMessageId ?? []),
    );
    for (const message of messages) if (sentIds.has(message.rfcMessageId?.toLowerCase() ?? "")) copies.add(message);
  }
  return copies;
}

function newMessage(
  mapping: MappingFacts,
  conversation: Conversation,
  webhook: Webhook,
  message: ProviderMessage,
): NewMessage {
  const { direction = "inbound" } = message;
  return {
    mappingId: mapping.id,
    conversationId: conversation.id,
    webhookId: webhook.id,
    direction,
    state: direction === "inbound" ? "received" : "sent",
    providerMessageId: message.providerMessageId,
    rfcMessageId: message.rfcMessageId ?? null,
    automatic: message.automatic ?? null,
    content: contentOf(message),
    sentAt: message.sentAt ?? null,
    receivedAt: webhook.receivedAt,
  };
}
