import { randomUUID } from "node:crypto";
import { messageFailed } from "../events/owe-events.ts";
import { isChatId } from "../formats/address.ts";
import { addressesOf } from "../formats/mailbox.ts";
import { numberOfToday, readReceiver as readNumber } from "../formats/phone-number.ts";
import { chatTypes, type OutboundRequest } from "../highlevel/webhook.ts";
import { reportInSeconds } from "../messages/message-state.ts";
import type { SenderRule } from "../model.ts";
import { sendsBy } from "../providers/kit/adapter.ts";
import type { MappingFacts } from "../registry/mappings.ts";
import {
  ensureContactConversation,
  ensureConversations,
  findChatPeople,
  keepContactIds,
  keyOf,
  type Person,
} from "../store/conversations.ts";
import type { NewDelivery } from "../store/deliveries.ts";
import { insertMessages } from "../store/messages/messages.ts";
import type { Db } from "../store/postgres/database.ts";
import type { WebhookOutcome } from "../store/received-webhooks.ts";
import type { Conversation, NewMessage, Webhook } from "../store/schema.ts";
import { failed, messageOf, serviceNamed, type Unreachable } from "./outbound-message.ts";
import type { Acceptance } from "./read-webhook.ts";

/** What HighLevel asks a mapping to send. */
export interface MappedRequest {
  mapping: MappingFacts;
  webhook: Webhook;
  request: OutboundRequest & { chosenBy?: SenderRule | undefined };
}

/**
 * Turns what HighLevel asks mappings to send into queued messages and the deliveries that they make us owe, in the order
 * given. One that can reach nobody has failed from the start, and HighLevel is owed that. A message that is known already
 * is passed over.
 */
export async function acceptOutbound(
  { tx, visibleAfterSeconds }: { tx: Db; visibleAfterSeconds: number },
  requested: MappedRequest[],
): Promise<Acceptance> {
  const chats = await findChats(tx, requested);
  const addressed = requested.map((each) => ({ ...each, receiver: readReceiver(each, chats) }));
  const conversations = await ensureConversations(
    tx,
    addressed.flatMap(({ receiver }) => ("person" in receiver ? receiver.person : [])),
  );
  const rows: NewMessage[] = [];
  const contacts = new Map<Conversation, string>();
  for (const { receiver, mapping, request, webhook } of addressed) {
    if ("problem" in receiver) {
      const ofContact = await ensureContactConversation(tx, mapping.locationId, request.contactId);
      rows.push({ ...newMessage(mapping, ofContact, webhook, request), ...failed(receiver) });
      continue;
    }
    const conversation = conversations.get(keyOf(receiver.person));
    if (!conversation) continue;
    rows.push(newMessage(mapping, conversation, webhook, request, receiver.number));
    const { contactId } = request;
    if (contactId && conversation.highlevelContactId === null && !contacts.has(conversation)) {
      contacts.set(conversation, contactId);
    }
  }
  await keepContactIds(
    tx,
    [...contacts].map(([{ id }, contactId]) => ({ conversationId: id, contactId })),
  );
  const stored = await insertMessages(tx, rows);

  const byWebhook = new Map(stored.map((message) => [message.webhookId, message]));
  const outcomes = addressed.map(({ webhook: { id }, receiver }): WebhookOutcome => {
    const reason = "problem" in receiver ? `reported as failed: ${receiver.problem}` : undefined;
    if (byWebhook.has(id)) return { id, state: "processed", reason };
    return { id, state: "ignored", reason: "duplicate: a message with this id of HighLevel's is known" };
  });
  const owed = addressed.flatMap(({ mapping: { locationId }, webhook, receiver }): NewDelivery[] => {
    const message = byWebhook.get(webhook.id);
    if (!message) return [];
    const { conversationId, id: messageId } = message;
    if ("person" in receiver) return [{ kind: "send-outbound", conversationId, locationId, messageId }];
    const inSeconds = reportInSeconds(visibleAfterSeconds, webhook);
    return [{ kind: "report-status", conversationId, locationId, messageId, inSeconds }];
  });
  const happened = addressed.flatMap(({ mapping: { locationId }, webhook, receiver }) => {
    const message = "problem" in receiver ? byWebhook.get(webhook.id) : undefined;
    return message ? [messageFailed(locationId, { id: message.id, error: failed(receiver as Unreachable).error })] : [];
  });
  return { outcomes, owed, happened };
}

type ChatPeople = Awaited<ReturnType<typeof findChatPeople>>;

/** HighLevel names no id of a chat: who is meant is known by the contact. */
function findChats(tx: Db, requested: MappedRequest[]): Promise<ChatPeople> {
  const keys = requested.flatMap(({ mapping, request: { contactId } }) =>
    contactId && isChatId(mapping.address) ? { mappingId: mapping.id, contactId } : [],
  );
  return findChatPeople(tx, keys);
}

/** Whom it goes to; of a number also as HighLevel has it, which may be a former one. */
type Receiver = { person: Person; number?: string } | Unreachable;

function readReceiver({ mapping, request }: MappedRequest, chats: ChatPeople): Receiver {
  const { id: mappingId, locationId, channel, type } = mapping;
  const given = request.phone ?? request.emailTo[0];
  if (request.problem !== undefined) return { problem: request.problem, given };
  if (type === "Call")
    return { problem: "type: the mapping has calls alone, and sends nothing: name another provider", given };
  if (chatTypes.includes(request.type) && request.type !== type)
    return { problem: `type: the mapping is of type ${type}, and sends no ${request.type}`, given };
  if (isChatId(mapping.address)) {
    const address = chats.get(keyOf({ mappingId, address: request.contactId ?? "" }));
    if (address !== undefined) return { person: { mappingId, locationId, address } };
    return { problem: "contactId: the contact has not written in this chat, which knows people by their ids", given };
  }
  if (channel === "sms") return readNumberOf({ mapping, request });
  const [mailbox] = request.emailTo;
  const [address, another] = addressesOf(mailbox);
  if (address !== undefined && another === undefined && namesOne(mailbox))
    return { person: { mappingId, locationId, address } };
  const problem = mailbox === undefined ? "the contact has no email address" : `${mailbox} is not one email address`;
  return { problem: `emailTo: ${problem}`, given: mailbox };
}

function readNumberOf({
  mapping,
  request: { type, phone: given },
}: Pick<MappedRequest, "mapping" | "request">): Receiver {
  const { id: mappingId, locationId, adapter, provider, address } = mapping;
  const service = serviceNamed(type);
  if (service && type !== mapping.type && !sendsBy(adapter, service))
    return { problem: `type: ${provider} sends no ${type} through the bridge`, given };
  const read = readNumber(given, address);
  if ("number" in read) {
    const { number } = read;
    return { person: { mappingId, locationId, address: numberOfToday(number) }, number };
  }
  return { problem: `phone: ${read.problem}`, given };
}

/** Else `a@x.example / b@x.example` went to one of them, and `a@x,example` to a@x. */
function namesOne(given = ""): boolean {
  return given.includes("<") || !/@[^"]*@|[,;]\s*[^\s,;]/.test(given.replace(/^\s*"[^"]*"/, ""));
}

function newMessage(
  mapping: MappingFacts,
  conversation: Conversation,
  webhook: Webhook,
  request: MappedRequest["request"],
  number?: string,
): NewMessage {
  const message = messageOf(request, conversation, webhook);
  const to = number === undefined ? message.content.to : [number];
  const { service } = message.content;
  const isSent = service !== undefined && mapping.adapter.services.includes(service) && !isChatId(mapping.address);
  return {
    ...message,
    content: { ...message.content, to, service: isSent ? service : undefined, chosenBy: request.chosenBy },
    mappingId: mapping.id,
    rfcMessageId: mapping.channel === "email" ? newRfcMessageId(mapping.address) : null,
  };
}

/** Made once and kept, so that a reply finds it, and a repeated send is the same email. */
function newRfcMessageId(mailbox: string): string {
  return `${randomUUID()}@${mailbox.slice(mailbox.lastIndexOf("@") + 1)}`;
}
