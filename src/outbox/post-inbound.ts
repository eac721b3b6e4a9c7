import { Failure } from "../errors.ts";
import { type Access, type Highlevel, type InboundPost, isProviderMismatch } from "../highlevel/client.ts";
import type { InboundAnswer } from "../highlevel/schemas.ts";
import { type ComposedMessage, composeInbound } from "../messages/compose-inbound.ts";
import { findThreadOf } from "../messages/find-thread.ts";
import { admit, heldDetail } from "../messages/unknown-sender.ts";
import type { HighlevelMessageType } from "../model.ts";
import type { Mapping, Mappings } from "../registry/mappings.ts";
import { keepHighlevelIds } from "../store/conversations.ts";
import { keepMappingType } from "../store/mappings.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Message } from "../store/schema.ts";
import { type CarryContext, carryAttachments } from "./carry-attachments.ts";
import { findPosted, type Search } from "./find-posted.ts";

export interface PostInboundContext extends CarryContext {
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
  isOutcomeUnknown: boolean;
  /** Called right before the post; throws when somebody else may be posting it by now. */
  beforePost: () => void;
}

export interface Posted {
  answer: InboundAnswer;
  /** With the ids that HighLevel gave, for what comes after in the same conversation. */
  conversation: Conversation;
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
  let message = withContent(work.message);
  let note: string | undefined;
  if (work.isOutcomeUnknown) {
    const earlier = await findEarlierPost(context, work, conversation, message);
    if (earlier.outcome === "found") {
      return { ...earlier, conversation, status: undefined, detail: "an earlier attempt had been accepted" };
    }
    if (earlier.outcome === "cannot tell") note = requireRepost(work.mapping, earlier.why);
  }
  message = await withFiles(context, work, conversation, message);
  const emailMessageId = await findThreadOf(context.db, conversation, message.content);
  const post = composeInbound(work.mapping, conversation, message, emailMessageId);
  const { answer, detail } = await postWithFittingType(context, work, post);
  return {
    answer,
    conversation: await keepNewIds(context.db, conversation, answer),
    status: answer.status,
    detail: [note, detail].filter(Boolean).join("; ") || undefined,
  };
}

async function findEarlierPost(
  { highlevel }: PostInboundContext,
  { access, mapping: { channel } }: InboundWork,
  conversation: Conversation,
  message: ComposedMessage,
): Promise<{ outcome: "found"; answer: InboundAnswer } | Exclude<Search, { outcome: "found" }>> {
  const { highlevelConversationId: conversationId, highlevelContactId } = conversation;
  if (!conversationId) return { outcome: "not there" };
  const search = await findPosted(highlevel, access, { conversationId, channel }, message);
  if (search.outcome !== "found") return search;
  const answer = { ...search.answer, conversationId, contactId: highlevelContactId ?? undefined };
  return { outcome: "found", answer };
}

/** What an operator should know of a post that may be a second one. Throws a Failure where the mapping forbids it. */
function requireRepost({ onUnknownOutcome }: Mapping, why: string): string {
  const doubt = `an earlier attempt may have been accepted, and HighLevel's list cannot tell: ${why}`;
  if (onUnknownOutcome === "repost") return `${doubt}; posted again, as the mapping's onUnknownOutcome is repost`;
  throw new Failure(
    "unconfirmed",
    `${doubt}. The mapping's onUnknownOutcome is hold: look into the conversation; a replay posts the message`,
  );
}

function withContent(message: Message): ComposedMessage {
  if (!message.content) {
    throw new Failure("rejected", "the message's content was deleted after RETENTION_DAYS: there is nothing to post");
  }
  return { ...message, content: message.content };
}

async function withFiles(
  context: PostInboundContext,
  { mapping, access, message: { id, webhookId } }: InboundWork,
  { highlevelConversationId: conversationId }: Conversation,
  message: ComposedMessage,
): Promise<ComposedMessage> {
  if (!conversationId || message.content.attachments.length === 0) return message;
  const { content } = message;
  const work = { mapping, access, conversationId, message: { id, webhookId, content } };
  return { ...message, content: await carryAttachments(context, work) };
}

/** HighLevel's ids for the sender. With only one of the two registered, HighLevel completes the other. */
async function knowSender({ db, highlevel }: PostInboundContext, work: InboundWork): Promise<Conversation> {
  const { conversation, mapping, message, access } = work;
  if (conversation.highlevelConversationId) return conversation;
  if (admit(mapping, conversation) !== "let in") throw new Failure("unknown_sender", heldDetail);
  const { address } = conversation;
  const fromName = message.content?.fromName;
  const key =
    mapping.channel === "sms" ? { phone: address } : { email: address, ...(fromName ? { name: fromName } : {}) };
  const contactId = conversation.highlevelContactId ?? (await highlevel.upsertContact(access, key));
  const conversationId = await highlevel.ensureConversation(access, contactId);
  await keepHighlevelIds(db, conversation.id, { contactId, conversationId });
  return { ...conversation, highlevelContactId: contactId, highlevelConversationId: conversationId };
}

async function keepNewIds(db: Db, conversation: Conversation, answer: InboundAnswer): Promise<Conversation> {
  const { contactId, conversationId } = answer;
  const known = {
    ...conversation,
    ...(contactId ? { highlevelContactId: contactId } : {}),
    ...(conversationId ? { highlevelConversationId: conversationId } : {}),
  };
  const isNew =
    known.highlevelContactId !== conversation.highlevelContactId ||
    known.highlevelConversationId !== conversation.highlevelConversationId;
  if (isNew) await keepHighlevelIds(db, conversation.id, { contactId, conversationId });
  return known;
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
