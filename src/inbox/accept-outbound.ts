import { randomUUID } from "node:crypto";
import { normalizeAddress } from "../formats/address.ts";
import { addressesOf } from "../formats/mailbox.ts";
import type { OutboundRequest } from "../highlevel/webhook.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import { ensureConversations, keepContactIds, keyOf, type Person } from "../store/conversations.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { insertMessages } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { WebhookOutcome } from "../store/received-webhooks.ts";
import type { Conversation, MessageContent, NewMessage, Webhook } from "../store/schema.ts";
import type { Acceptance } from "./read-webhook.ts";

/** What HighLevel asks a mapping to send. */
export interface MappedRequest {
  mapping: MappingFacts;
  webhook: Webhook;
  request: OutboundRequest;
}

/**
 * Turns what HighLevel asks mappings to send into queued messages and the deliveries that they make us owe, in the order
 * given. A message that is known already is passed over.
 */
export async function acceptOutbound(tx: Db, requested: MappedRequest[]): Promise<Acceptance> {
  const addressed = requested.map((each) => ({ ...each, ...readPerson(each) }));
  const conversations = await ensureConversations(
    tx,
    addressed.flatMap(({ person }) => person ?? []),
  );
  const rows: NewMessage[] = [];
  const contacts = new Map<Conversation, string>();
  for (const { person, mapping, request, webhook } of addressed) {
    const conversation = person && conversations.get(keyOf(person));
    if (!conversation) continue;
    rows.push(newMessage(mapping, conversation, webhook, request));
    if (conversation.highlevelContactId === null && !contacts.has(conversation)) {
      contacts.set(conversation, request.contactId);
    }
  }
  await keepContactIds(
    tx,
    [...contacts].map(([{ id }, contactId]) => ({ conversationId: id, contactId })),
  );
  const stored = await insertMessages(tx, rows);

  const byWebhook = new Map(stored.map((message) => [message.webhookId, message]));
  const outcomes = addressed.map(({ webhook: { id }, problem }): WebhookOutcome => {
    if (problem !== undefined) return { id, state: "failed", reason: problem };
    if (byWebhook.has(id)) return { id, state: "processed", reason: undefined };
    return { id, state: "ignored", reason: "duplicate: a message with this id of HighLevel's is known" };
  });
  const owed = requested.flatMap(({ mapping: { locationId }, webhook }): NewDelivery[] => {
    const message = byWebhook.get(webhook.id);
    if (!message) return [];
    return [{ kind: "send-outbound", conversationId: message.conversationId, locationId, messageId: message.id }];
  });
  return { outcomes, owed };
}

function readPerson({ mapping, request }: MappedRequest): { person?: Person; problem?: string } {
  const { id: mappingId, locationId, channel } = mapping;
  if (request.locationId !== locationId) {
    return { problem: `locationId: is ${request.locationId}, and this mapping is of location ${locationId}` };
  }
  const [field, given] = channel === "sms" ? ["phone", request.phone] : ["emailTo", request.emailTo[0]];
  const address = normalizeAddress(channel, given ?? "");
  if (address !== undefined) return { person: { mappingId, locationId, address } };
  return { problem: `${field}: holds nobody whom this mapping could send to` };
}

function newMessage(
  mapping: MappingFacts,
  conversation: Conversation,
  webhook: Webhook,
  request: OutboundRequest,
): NewMessage {
  return {
    mappingId: mapping.id,
    conversationId: conversation.id,
    webhookId: webhook.id,
    origin: "highlevel",
    direction: "outbound",
    state: "queued",
    requestedId: request.emailMessageId ?? request.messageId,
    highlevelMessageId: request.messageId,
    highlevelEmailMessageId: request.emailMessageId ?? null,
    rfcMessageId: mapping.channel === "email" ? newRfcMessageId(mapping.address) : null,
    content: contentOf(conversation.address, request),
    receivedAt: webhook.receivedAt,
  };
}

/** Made once and kept, so that a reply finds it, and a repeated send is the same email. */
function newRfcMessageId(mailbox: string): string {
  return `${randomUUID()}@${mailbox.slice(mailbox.lastIndexOf("@") + 1)}`;
}

function contentOf(address: string, request: OutboundRequest): MessageContent {
  const { emailFrom, emailTo, subject, message, html, attachments, replyToAltId } = request;
  return {
    from: emailFrom,
    to: [address],
    // The conversation is with the first; nobody else whom the agent wrote to is left out.
    cc: addressesOf(emailTo.slice(1).join(", ")).filter((each) => each !== address),
    bcc: [],
    subject,
    text: message,
    html,
    attachments: attachments.map((url) => ({ url })),
    inReplyTo: [],
    references: [],
    replyToAltId,
  };
}
