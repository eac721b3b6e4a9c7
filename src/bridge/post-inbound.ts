import { Failure } from "../errors.ts";
import { type Access, type Highlevel, type InboundPost, isProviderMismatch } from "../highlevel/client.ts";
import type { InboundAnswer, ListedMessage } from "../highlevel/schemas.ts";
import type { HighlevelMessageType } from "../model.ts";
import { keepHighlevelIds } from "../store/conversations.ts";
import type { Db } from "../store/database.ts";
import { keepMappingType } from "../store/mappings.ts";
import { findThread } from "../store/messages.ts";
import type { Conversation, Message } from "../store/schema.ts";
import { type ComposedMessage, composeInbound } from "./compose-inbound.ts";
import type { Mapping, Mappings } from "./mappings.ts";

export interface PostInboundContext {
  db: Db;
  highlevel: Highlevel;
  mappings: Mappings;
}

export interface InboundWork {
  mapping: Mapping;
  conversation: Conversation;
  message: Message;
  access: Access;
  /** An earlier try may have been accepted: look for the message before posting it. */
  lookFirst: boolean;
  /** Called right before the post; throws when somebody else may be posting it by now. */
  beforePost: () => void;
}

export interface Posted {
  answer: InboundAnswer;
  status: number | undefined;
  /** What an operator should know of how it went. */
  detail: string | undefined;
}

/**
 * Posts a person's message into its HighLevel conversation, making contact and conversation known there first where
 * the mapping says so. Posts nothing when an earlier try turns out to have been accepted. Throws a Failure.
 */
export async function postInbound(context: PostInboundContext, work: InboundWork): Promise<Posted> {
  const conversation = await knowSender(context, work);
  const message = withContent(work.message);
  if (work.lookFirst) {
    const earlier = await findPosted(context.highlevel, work.access, conversation, message);
    if (earlier) return { answer: earlier, status: undefined, detail: "an earlier attempt had been accepted" };
  }
  const { inReplyTo, references } = message.content;
  const emailMessageId = await findThread(context.db, conversation, [...inReplyTo, ...references.toReversed()]);
  const post = composeInbound(work.mapping, conversation, message, emailMessageId);
  const { answer, detail } = await postWithFittingType(context, work, post);
  await keepNewIds(context.db, conversation, answer);
  return { answer, status: answer.status, detail };
}

function withContent(message: Message): ComposedMessage {
  if (!message.content) {
    throw new Failure("rejected", "the message's content was deleted after RETENTION_DAYS: there is nothing to post");
  }
  return { ...message, content: message.content };
}

/** HighLevel's ids for the sender. With only one of the two registered, HighLevel completes the other. */
async function knowSender({ db, highlevel }: PostInboundContext, work: InboundWork): Promise<Conversation> {
  const { conversation, mapping, message, access } = work;
  if (conversation.highlevelConversationId) return conversation;
  if (!conversation.highlevelContactId && mapping.unknownSender !== "create") {
    throw new Failure("unknown_sender", unknownSenderDetail);
  }
  const { address } = conversation;
  const fromName = message.content?.fromName;
  const key =
    mapping.channel === "sms" ? { phone: address } : { email: address, ...(fromName ? { name: fromName } : {}) };
  const contactId = conversation.highlevelContactId ?? (await highlevel.upsertContact(access, key));
  const conversationId = await highlevel.ensureConversation(access, contactId);
  await keepHighlevelIds(db, conversation.id, { contactId, conversationId });
  return { ...conversation, highlevelContactId: contactId, highlevelConversationId: conversationId };
}

export const unknownSenderDetail =
  "nobody has registered this sender's conversation, and the mapping's unknownSender is not create: " +
  "PUT /admin/mappings/{id}/conversations/{address} and it is delivered by itself";

async function keepNewIds(db: Db, conversation: Conversation, answer: InboundAnswer): Promise<void> {
  const contactId = answer.contactId ?? conversation.highlevelContactId;
  const conversationId = answer.conversationId ?? conversation.highlevelConversationId;
  const isKnown =
    contactId === conversation.highlevelContactId && conversationId === conversation.highlevelConversationId;
  if (isKnown) return;
  await keepHighlevelIds(db, conversation.id, {
    contactId: contactId ?? undefined,
    conversationId: conversationId ?? undefined,
  });
}

const otherType: Record<Mapping["channel"], (type: HighlevelMessageType) => HighlevelMessageType> = {
  sms: (type) => (type === "Custom" ? "SMS" : "Custom"),
  email: (type) => (type === "Custom" ? "Email" : "Custom"),
};

/** A type that does not suit the provider is refused before anything is stored: try the other one, and keep it if it fits. */
async function postWithFittingType(
  context: PostInboundContext,
  { mapping, access, beforePost }: InboundWork,
  post: InboundPost,
): Promise<{ answer: InboundAnswer & { status: number }; detail: string | undefined }> {
  beforePost();
  try {
    return { answer: await context.highlevel.postInbound(access, post), detail: undefined };
  } catch (error) {
    if (!(error instanceof Failure) || !isProviderMismatch(error)) throw error;
    const type = otherType[mapping.channel](post.type);
    beforePost();
    const answer = await context.highlevel.postInbound(access, { ...post, type });
    await keepMappingType(context.db, mapping.id, type);
    context.mappings.forget(mapping.id);
    return { answer, detail: `HighLevel takes type ${type} from this provider, not ${post.type}: kept` };
  }
}

const mostPages = 5;
const clockToleranceMs = 1000;

/**
 * Looks a message up that may have been accepted: by `altId` where HighLevel's list gives it, else by time, direction
 * and text (of emails the list has no text: then by the `altId` of the email itself).
 */
async function findPosted(
  highlevel: Highlevel,
  access: Access,
  conversation: Conversation,
  message: ComposedMessage,
): Promise<InboundAnswer | undefined> {
  const conversationId = conversation.highlevelConversationId;
  if (!conversationId) return undefined;
  const date = (message.sentAt ?? message.receivedAt).getTime();
  let after: string | undefined;
  for (let page = 1; page <= mostPages; page++) {
    const { messages, nextPage, lastMessageId } = await highlevel.listMessages(access, conversationId, after);
    for (const listed of messages) {
      const found = await matchListed(highlevel, access, listed, message, date);
      if (found) return { conversationId, contactId: conversation.highlevelContactId ?? undefined, ...found };
    }
    if (!nextPage || !lastMessageId) return undefined;
    after = lastMessageId;
  }
  return undefined;
}

async function matchListed(
  highlevel: Highlevel,
  access: Access,
  listed: ListedMessage,
  message: ComposedMessage,
  date: number,
): Promise<Pick<InboundAnswer, "messageId" | "emailMessageId"> | undefined> {
  const emailMessageIds = listed.meta?.email?.messageIds ?? [];
  if (listed.altId === message.providerMessageId) {
    return { messageId: listed.id, emailMessageId: emailMessageIds.at(-1) };
  }
  const isAtItsTime = Math.abs(Date.parse(listed.dateAdded ?? "") - date) <= clockToleranceMs;
  if (listed.altId || listed.direction !== "inbound" || !isAtItsTime) return undefined;
  for (const emailMessageId of emailMessageIds) {
    const email = await highlevel.findEmail(access, emailMessageId);
    if (email.altId === message.providerMessageId) return { messageId: listed.id, emailMessageId };
  }
  const isSameText = Boolean(message.content.text) && listed.body === message.content.text;
  return isSameText && emailMessageIds.length === 0 ? { messageId: listed.id, emailMessageId: undefined } : undefined;
}
