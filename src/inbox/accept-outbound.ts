import { randomUUID } from "node:crypto";
import { normalizeAddress } from "../formats/address.ts";
import { addressesOf } from "../formats/mailbox.ts";
import type { OutboundRequest } from "../highlevel/webhook.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import { ensureConversations, keepHighlevelIds, keyOf } from "../store/conversations.ts";
import { enqueueDeliveries } from "../store/deliveries.ts";
import { insertMessages } from "../store/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, MessageContent, NewMessage } from "../store/schema.ts";
import type { WebhookOutcome } from "../store/webhooks.ts";

export interface Requested {
  webhookId: number;
  receivedAt: Date;
  request: OutboundRequest;
}

/**
 * Turns what HighLevel asks a mapping to send into queued messages and the deliveries that they make us owe, in the
 * order given. A message that is known already is passed over. Gives what became of each webhook.
 */
export async function acceptOutbound(tx: Db, mapping: MappingFacts, requested: Requested[]): Promise<WebhookOutcome[]> {
  const addressed = requested.map((each) => ({ ...each, ...readAddress(mapping, each.request) }));
  const personAt = (address: string) => ({ mappingId: mapping.id, locationId: mapping.locationId, address });
  const people = addressed.flatMap(({ address }) => (address === undefined ? [] : personAt(address)));
  const conversations = await ensureConversations(tx, people);

  const rows: NewMessage[] = [];
  for (const { address, request, webhookId, receivedAt } of addressed) {
    const conversation = conversations.get(keyOf(personAt(address ?? "")));
    if (!conversation) continue;
    rows.push({ ...newMessage(mapping, conversation, request), webhookId, receivedAt });
    if (conversation.highlevelContactId === null) {
      conversation.highlevelContactId = request.contactId;
      await keepHighlevelIds(tx, conversation.id, { contactId: request.contactId });
    }
  }
  const stored = await insertMessages(tx, rows);
  const { locationId } = mapping;
  await enqueueDeliveries(
    tx,
    stored.map(({ id, conversationId }) => ({ kind: "send-outbound", conversationId, locationId, messageId: id })),
  );

  const storedFrom = new Set(stored.map((message) => message.webhookId));
  return addressed.map(({ webhookId: id, problem }) => {
    if (problem !== undefined) return { id, state: "failed", reason: problem };
    if (storedFrom.has(id)) return { id, state: "processed", reason: undefined };
    return { id, state: "ignored", reason: "duplicate: a message with this id of HighLevel's is known" };
  });
}

function readAddress(
  mapping: MappingFacts,
  request: OutboundRequest,
): { address?: string | undefined; problem?: string } {
  if (request.locationId !== mapping.locationId) {
    return { problem: `locationId: is ${request.locationId}, and this mapping is of location ${mapping.locationId}` };
  }
  const [field, given] = mapping.channel === "sms" ? ["phone", request.phone] : ["emailTo", request.emailTo[0]];
  const address = normalizeAddress(mapping.channel, given ?? "");
  if (address !== undefined) return { address };
  return { problem: `${field}: holds nobody whom this mapping could send to` };
}

function newMessage(
  mapping: MappingFacts,
  conversation: Conversation,
  request: OutboundRequest,
): Omit<NewMessage, "receivedAt"> {
  return {
    mappingId: mapping.id,
    conversationId: conversation.id,
    origin: "highlevel",
    direction: "outbound",
    state: "queued",
    requestedId: request.emailMessageId ?? request.messageId,
    highlevelMessageId: request.messageId,
    highlevelEmailMessageId: request.emailMessageId ?? null,
    rfcMessageId: mapping.channel === "email" ? newRfcMessageId(mapping.address) : null,
    content: contentOf(conversation.address, request),
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
