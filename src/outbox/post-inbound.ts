import { Failure } from "../errors.ts";
import type { Access } from "../highlevel/call.ts";
import type { Highlevel } from "../highlevel/client.ts";
import type { InboundAnswer } from "../highlevel/schemas.ts";
import type { ComposedMessage } from "../messages/compose-inbound.ts";
import type { Mapping, Mappings } from "../registry/mappings.ts";
import { keepHighlevelIds } from "../store/conversations.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Message } from "../store/schema.ts";
import { type CarryContext, carryAttachments } from "./attachments/carry-attachments.ts";
import { type AttemptResult, type MessageAttempt, requireMapping } from "./attempt.ts";
import { forgetGone, knowSender } from "./know-sender.ts";
import { type Post, postCuring } from "./post-curing.ts";
import { findPosted, type Search } from "./posted/find-posted.ts";

export interface PostInboundContext extends CarryContext {
  db: Db;
  highlevel: Highlevel;
  mappings: Pick<Mappings, "forget">;
  /** The longest that one attempt may take. */
  attemptSeconds: number;
  /** Proves the tokens in addresses. */
  emailSecret: Buffer;
}

/**
 * Posts a person's message into its HighLevel conversation, making contact and conversation known there first where
 * the mapping says so. Posts nothing when an earlier try turns out to have been accepted. Ids of what is gone in HighLevel,
 * merged or deleted, are forgotten and found anew: the conversation's alone first, then the contact's; at
 * last the id that the sender told. Who was known and has another contact now is no stranger. Throws a Failure.
 */
export async function postInbound(context: PostInboundContext, input: MessageAttempt): Promise<AttemptResult> {
  const mapping = requireMapping(input);
  const access = await input.access();
  let { conversation, message } = input;
  const notes: string[] = [];
  for (;;) {
    try {
      const result = await postTo(context, mapping, access, { ...input, conversation, message });
      return { ...result, detail: [...notes, result.detail].filter(Boolean).join("; ") || undefined };
    } catch (error) {
      // Each time there is one id less, so that it comes to an end.
      ({ conversation, message } = await forgetGone(context, mapping, access, { conversation, message }, error));
      notes.push(`ids forgotten that HighLevel has no more: ${error instanceof Failure ? error.message : error}`);
    }
  }
}

async function postTo(
  context: PostInboundContext,
  mapping: Mapping,
  access: Access,
  input: MessageAttempt,
): Promise<AttemptResult> {
  const conversation = await knowSender(context, mapping, access, input);
  const message = withContent(input.message);
  const found: Post = { mapping, conversation, access, message, messageId: input.message.id };
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
  const { answer, detail } = await postCuring(context, post, input.beforeCall);
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
  { id, webhookId, providerMessageId, receivedAt }: Message,
): Promise<ComposedMessage> {
  const { highlevelConversationId: conversationId } = conversation;
  const { content } = message;
  if (!conversationId || content.attachments.length === 0) return message;
  const carried = { id, webhookId, providerMessageId, receivedAt, content };
  const input = { mapping, access, conversationId, message: carried };
  try {
    return { ...message, content: await carryAttachments(context, input) };
  } catch (error) {
    // An upload into a conversation that is gone is a 500: https://github.com/GoHighLevel/highlevel-api-docs/issues/39
    const isDoubtful = error instanceof Failure && error.reason === "server_error";
    if (isDoubtful) await context.highlevel.listMessages(access, conversationId);
    throw error;
  }
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
