import { Failure } from "../errors.ts";
import { type Access, type Highlevel, isProviderMismatch } from "../highlevel/client.ts";
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
import { type CarryContext, carryAttachments } from "./attachments/carry-attachments.ts";
import { type AttemptInput, type AttemptResult, requireMapping } from "./attempt.ts";
import { findPosted, type Search } from "./find-posted.ts";

export interface PostInboundContext extends CarryContext {
  db: Db;
  highlevel: Highlevel;
  mappings: Pick<Mappings, "forget">;
}

/** Whose message goes where, and by whose token. */
interface Post {
  mapping: Mapping;
  conversation: Conversation;
  message: ComposedMessage;
  access: Access;
}

/**
 * Posts a person's message into its HighLevel conversation, making contact and conversation known there first where
 * the mapping says so. Posts nothing when an earlier try turns out to have been accepted. Throws a Failure.
 */
export async function postInbound(context: PostInboundContext, input: AttemptInput): Promise<AttemptResult> {
  const mapping = requireMapping(input);
  const access = await input.access();
  const conversation = await knowSender(context, mapping, access, input);
  const found: Post = { mapping, conversation, access, message: withContent(input.message) };
  let note: string | undefined;
  if (input.isOutcomeUnknown) {
    const earlier = await findEarlierPost(context, found);
    if (earlier.outcome === "found") {
      const detail = "an earlier attempt had been accepted";
      return { detail, change: changeBy(earlier.answer), conversation };
    }
    if (earlier.outcome === "cannot tell") note = requireRepost(mapping, earlier.why);
  }
  const post = { ...found, message: await withFiles(context, found, input.message) };
  const { answer, detail } = await postWithFittingType(context, post, input.beforeCall);
  return {
    status: answer.status,
    detail: [note, detail].filter(Boolean).join("; ") || undefined,
    change: changeBy(answer),
    conversation: await keepNewIds(context.db, conversation, answer),
  };
}

const changeBy = ({ messageId, emailMessageId }: Pick<InboundAnswer, "messageId" | "emailMessageId">) => ({
  highlevelMessageId: messageId,
  highlevelEmailMessageId: emailMessageId,
});

async function findEarlierPost(
  { highlevel }: PostInboundContext,
  { access, mapping, conversation, message }: Post,
): Promise<Search> {
  const { highlevelConversationId: conversationId } = conversation;
  if (!conversationId) return { outcome: "not there" };
  return findPosted(highlevel, access, { conversationId, channel: mapping.channel }, message);
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
  { mapping, access, conversation, message }: Post,
  { id, webhookId }: Message,
): Promise<ComposedMessage> {
  const { highlevelConversationId: conversationId } = conversation;
  const { content } = message;
  if (!conversationId || content.attachments.length === 0) return message;
  const input = { mapping, access, conversationId, message: { id, webhookId, content } };
  return { ...message, content: await carryAttachments(context, input) };
}

/** HighLevel's ids for the sender. With only one of the two registered, HighLevel completes the other. */
async function knowSender(
  { db, highlevel }: PostInboundContext,
  mapping: Mapping,
  access: Access,
  { conversation, message }: AttemptInput,
): Promise<Conversation> {
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
  { db, highlevel, mappings }: PostInboundContext,
  { mapping, conversation, message, access }: Post,
  beforeCall: () => void,
): Promise<{ answer: InboundAnswer & { status: number }; detail: string | undefined }> {
  const emailMessageId = await findThreadOf(db, conversation, message);
  const body = composeInbound(mapping, conversation, message, emailMessageId);
  beforeCall();
  try {
    return { answer: await highlevel.postInbound(access, body), detail: undefined };
  } catch (error) {
    if (!(error instanceof Failure) || !isProviderMismatch(error)) throw error;
    const type = otherType[mapping.channel](body.type);
    beforeCall();
    const answer = await highlevel.postInbound(access, { ...body, type });
    await keepMappingType(db, mapping.id, type);
    mappings.forget(mapping.id);
    return { answer, detail: `HighLevel takes type ${type} from this provider, not ${body.type}: kept` };
  }
}
