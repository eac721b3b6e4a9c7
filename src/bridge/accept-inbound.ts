import { ParseError } from "../errors.ts";
import { describeError, type Log } from "../log.ts";
import type { ProviderMessage, ProviderEvent } from "../model.ts";
import { addConversations, lockConversations } from "../store/conversations.ts";
import type { Db } from "../store/database.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import { insertMessages } from "../store/messages.ts";
import type { Conversation, MessageContent, NewMessage, Webhook } from "../store/schema.ts";
import type { WebhookOutcome } from "../store/webhooks.ts";
import type { MappingFacts } from "./mappings.ts";
import { unknownSenderDetail } from "./post-inbound.ts";

/**
 * Turns received webhooks of one mapping into messages and the deliveries that they make us owe, in the order given.
 * A message that is known already is passed over. Gives what became of each webhook.
 */
export async function acceptInbound(
  context: { tx: Db; log: Log },
  mapping: MappingFacts,
  received: Webhook[],
): Promise<WebhookOutcome[]> {
  const { tx, log } = context;
  const read = await Promise.all(received.map((webhook) => readWebhook(log, mapping, webhook)));
  const incoming = read.flatMap(({ webhook, events }) =>
    events.flatMap((event) => (event.kind === "message" ? { webhook, message: event } : [])),
  );
  const addresses = incoming.map(({ message }) => message.from);
  if (mapping.unknownSender !== "ignore") await addConversations(tx, mapping.id, addresses);
  const conversations = await lockConversations(tx, mapping.id, addresses);
  const conversationOf = (message: ProviderMessage) => {
    const conversation = conversations.get(message.from);
    return conversation && (isKnown(conversation) || mapping.unknownSender !== "ignore") ? conversation : undefined;
  };

  const stored = await insertMessages(
    tx,
    incoming.flatMap(({ webhook, message }) => {
      const conversation = conversationOf(message);
      return conversation ? newMessage(mapping, conversation, webhook, message) : [];
    }),
  );
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

  const withNewMessages = new Set(stored.map((message) => message.webhookId));
  return read.map(({ webhook, events, failure }) => {
    if (failure !== undefined) return { id: webhook.id, state: "failed", reason: failure };
    if (withNewMessages.has(webhook.id)) return { id: webhook.id, state: "processed", reason: undefined };
    return { id: webhook.id, state: "ignored", reason: reasonToIgnore(events, (each) => !conversationOf(each)) };
  });
}

const isKnown = (conversation: Conversation) =>
  conversation.highlevelContactId !== null || conversation.highlevelConversationId !== null;

async function readWebhook(
  log: Log,
  mapping: MappingFacts,
  webhook: Webhook,
): Promise<{ webhook: Webhook; events: ProviderEvent[]; failure?: string }> {
  try {
    const events = await mapping.adapter.parse(webhook);
    return { webhook, events: events.map((event) => checkAddressee(mapping, event)) };
  } catch (error) {
    if (error instanceof ParseError) return { webhook, events: [], failure: error.message };
    log("error", "webhook.broke", { webhookId: webhook.id, mappingId: mapping.id, ...describeError(error) });
    return { webhook, events: [], failure: "the bridge itself failed to read it; its log has a line webhook.broke" };
  }
}

/**
 * A text to another number than the mapping's shows that the wrong webhook URL stands at the provider. Not so an email:
 * mail reaches a mailbox by aliases, forwards and lists too.
 */
export function checkAddressee(
  mapping: Pick<MappingFacts, "channel" | "address">,
  event: ProviderEvent,
): ProviderEvent {
  if (mapping.channel !== "sms" || event.kind !== "message") return event;
  if ([...event.to, ...event.cc].includes(mapping.address)) return event;
  throw new ParseError(
    `the text was sent to ${event.to.join(", ") || "nobody"}, and this mapping stands for ${mapping.address}: ` +
      "paste this webhook URL at that number only, and register a mapping for the other one",
  );
}

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
  return {
    mappingId: mapping.id,
    conversationId: conversation.id,
    webhookId: webhook.id,
    direction: "inbound",
    state: "received",
    providerMessageId: message.providerMessageId,
    rfcMessageId: message.rfcMessageId ?? null,
    automatic: message.automatic ?? null,
    content: contentOf(message),
    sentAt: message.sentAt ?? null,
    receivedAt: webhook.receivedAt,
  };
}

function reasonToIgnore(events: ProviderEvent[], isFromUnknown: (message: ProviderMessage) => boolean): string {
  const reasons = events.map((event) => {
    if (event.kind === "ignored") return event.reason;
    return isFromUnknown(event)
      ? "unknown_sender: the mapping ignores senders that nobody registered"
      : "duplicate: a message with this providerMessageId is known";
  });
  return [...new Set(reasons)].join("; ") || "the webhook holds no events";
}
