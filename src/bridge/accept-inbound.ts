import type { Log } from "../log.ts";
import type { ProviderEvent, ProviderMessage, Receipt } from "../model.ts";
import { ensureConversations, lockConversations } from "../store/conversations.ts";
import type { Db } from "../store/database.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import { findSentRfcIds, insertMessages } from "../store/messages.ts";
import type { Conversation, MessageContent, NewMessage, Webhook } from "../store/schema.ts";
import type { WebhookOutcome } from "../store/webhooks.ts";
import { applyReceipts } from "./apply-receipts.ts";
import type { MappingFacts } from "./mappings.ts";
import { unknownSenderDetail } from "./post-inbound.ts";
import { personOf, type Read, readProviderEvents, readWebhook } from "./read-webhook.ts";

/**
 * Turns received webhooks of one mapping into messages and the deliveries that they make us owe, in the order given, and
 * applies the receipts that they hold. A message that is known already is passed over. Gives what became of each webhook.
 */
export async function acceptInbound(
  context: { tx: Db; log: Log; visibleAfterSeconds: number },
  mapping: MappingFacts,
  received: Webhook[],
): Promise<WebhookOutcome[]> {
  const { tx, log } = context;
  const read = await Promise.all(
    received.map((webhook) => readWebhook(log, webhook, () => readProviderEvents(mapping, webhook))),
  );
  const messages = await acceptMessages(tx, mapping, eventsOf(read, isMessage));
  const receipts = eventsOf(read, isReceipt);
  const isKnownReceipt = await applyReceipts(
    context,
    mapping,
    receipts.map(({ event }) => event),
  );
  const reasons = new Map<ProviderEvent, string | undefined>([
    ...messages,
    ...receipts.map(({ event }, index) => [event, isKnownReceipt[index] ? undefined : foreignReceipt] as const),
  ]);
  return read.map((each) => outcomeOf(each, reasons));
}

const foreignReceipt = "receipt of a message that this mapping has not sent";

interface Told<Event> {
  webhook: Webhook;
  event: Event;
}

function eventsOf<Event extends ProviderEvent>(
  read: Read<ProviderEvent[]>[],
  isWanted: (event: ProviderEvent) => event is Event,
): Told<Event>[] {
  return read.flatMap((each) =>
    "said" in each ? each.said.filter(isWanted).map((event) => ({ webhook: each.webhook, event })) : [],
  );
}

const isMessage = (event: ProviderEvent): event is ProviderMessage => event.kind === "message";
const isReceipt = (event: ProviderEvent): event is Receipt => event.kind === "receipt";

/** Processed when anything in it was new; else ignored, and why. */
function outcomeOf(read: Read<ProviderEvent[]>, reasons: Map<ProviderEvent, string | undefined>): WebhookOutcome {
  const { id } = read.webhook;
  if ("failure" in read) return { id, state: "failed", reason: read.failure };
  const why = read.said.map((event) => (event.kind === "ignored" ? event.reason : reasons.get(event)));
  if (why.includes(undefined)) return { id, state: "processed", reason: undefined };
  return { id, state: "ignored", reason: [...new Set(why)].join("; ") || "the webhook holds no events" };
}

/** Stores the messages that are new, and owes HighLevel each of them. Gives why another one was passed over. */
async function acceptMessages(
  tx: Db,
  mapping: MappingFacts,
  told: Told<ProviderMessage>[],
): Promise<Map<ProviderMessage, string | undefined>> {
  const addresses = told.flatMap(({ event }) => personOf(mapping, event) ?? []);
  const conversations =
    mapping.unknownSender === "ignore"
      ? await lockConversations(tx, mapping.id, addresses)
      : await ensureConversations(tx, mapping, addresses);
  const ownIds = await findSentRfcIds(
    tx,
    mapping.id,
    told.flatMap(({ event }) => copiedId(event) ?? []),
  );

  const reasons = new Map<ProviderMessage, string | undefined>();
  const rows: NewMessage[] = [];
  for (const { webhook, event } of told) {
    const conversation = conversations.get(personOf(mapping, event) ?? "");
    const isOurs = ownIds.has(copiedId(event)?.toLowerCase() ?? "");
    if (isOurs) reasons.set(event, "a copy of an email that this bridge has sent");
    else if (!conversation || (mapping.unknownSender === "ignore" && !isKnown(conversation))) {
      reasons.set(event, "unknown_sender: the mapping ignores senders that nobody registered");
    } else {
      reasons.set(event, "duplicate: a message with this providerMessageId is known");
      rows.push(newMessage(mapping, conversation, webhook, event));
    }
  }
  const stored = await insertMessages(tx, rows);
  const newIds = new Set(stored.map((message) => message.providerMessageId));
  // Of the same message twice in one batch the first is the new one.
  for (const { event } of told) if (newIds.delete(event.providerMessageId)) reasons.set(event, undefined);

  const conversationById = new Map([...conversations.values()].map((each) => [each.id, each]));
  await enqueueDeliveries(
    tx,
    "post-inbound",
    stored.flatMap((message) => {
      const conversation = conversationById.get(message.conversationId);
      if (!conversation || (message.automatic && !mapping.postAutomatic)) return [];
      const isHeld = mapping.unknownSender === "hold" && !isKnown(conversation);
      const dead = isHeld ? { reason: "unknown_sender" as const, detail: unknownSenderDetail } : undefined;
      return { conversationId: conversation.id, locationId: mapping.locationId, messageId: message.id, dead };
    }),
  );
  return reasons;
}

/** The Message-ID of a mail that the business has sent: it may be our own sending, seen in a copy. */
const copiedId = (event: ProviderMessage) => (event.direction === "outbound" ? event.rfcMessageId : undefined);

const isKnown = (conversation: Conversation) =>
  conversation.highlevelContactId !== null || conversation.highlevelConversationId !== null;

export function contentOf(message: ProviderMessage): MessageContent {
  const { fromName, to, cc, bcc, subject, text, html, attachments, inReplyTo, references } = message;
  return { fromName, to, cc, bcc, subject, text, html, attachments, inReplyTo, references };
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
