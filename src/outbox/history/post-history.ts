import { Failure } from "../../errors.ts";
import type { Highlevel } from "../../highlevel/client.ts";
import { countLiveSince, keepUnreadBefore } from "../../store/imports/unread.ts";
import type { Conversation } from "../../store/schema.ts";
import type { AttemptInput, AttemptResult } from "../attempt.ts";
import { type PostInboundContext, postInbound } from "../post-inbound.ts";

export interface HistoryContext extends PostInboundContext {
  highlevel: Highlevel;
}

/**
 * Posts a message of before, dated as it was; HighLevel counts it as unread all the same. So what was unread is kept before the
 * first one of a conversation, and after the last one, by a delivery without a message, it is set back. Throws a Failure.
 */
export async function postHistory(context: HistoryContext, input: AttemptInput): Promise<AttemptResult> {
  const { message } = input;
  if (!message) return setUnreadBack(context, input);
  const conversation = await noteUnread(context, input);
  return postInbound(context, { ...input, message, conversation });
}

async function noteUnread({ db, highlevel }: HistoryContext, input: AttemptInput): Promise<Conversation> {
  const { conversation, importId } = input;
  if (conversation.unreadBefore !== null) return conversation;
  const unread = (await readUnread(highlevel, input)) ?? 0;
  // What has come live since the import was made is counted again at the end: a dry run may have waited for weeks.
  const live = await countLiveSince(db, { conversationId: conversation.id, importId, arePosted: true });
  const unreadBefore = unread - (live ?? 0);
  await keepUnreadBefore(db, conversation.id, unreadBefore);
  return { ...conversation, unreadBefore };
}

/**
 * To what it was, and what has come live since. Never raised: what somebody read meanwhile stays read. Of a conversation that
 * HighLevel has no more, or of which it tells no count, there is nothing to set.
 */
async function setUnreadBack({ db, highlevel }: HistoryContext, input: AttemptInput): Promise<AttemptResult> {
  const { conversation, importId } = input;
  const { id, unreadBefore, highlevelConversationId } = conversation;
  const nothing = { detail: "unread in HighLevel: nothing to set back", change: {} };
  if (unreadBefore === null) return nothing;
  const unread = await readUnread(highlevel, input);
  const live = await countLiveSince(db, { conversationId: id, importId });
  const wanted = Math.max(0, unreadBefore + (live ?? 0));
  // Rather too much stays unread than what is new.
  const isToSet = unread !== undefined && live !== undefined && unread > wanted;
  const set =
    isToSet && highlevelConversationId !== null
      ? await highlevel.setUnread(await input.access(), highlevelConversationId, wanted)
      : undefined;
  await keepUnreadBefore(db, id, null);
  const done = set && {
    status: set.status,
    detail: `unread in HighLevel: ${wanted} again, after ${unread}`,
    change: {},
  };
  return { ...(done ?? nothing), conversation: { ...conversation, unreadBefore: null } };
}

async function readUnread(
  highlevel: Pick<Highlevel, "readUnread">,
  { conversation: { highlevelConversationId }, access }: AttemptInput,
): Promise<number | undefined> {
  if (highlevelConversationId === null) return undefined;
  try {
    return await highlevel.readUnread(await access(), highlevelConversationId);
  } catch (error) {
    // Of one that is gone the post finds that out, and mends it.
    if (error instanceof Failure && error.reason === "rejected") return undefined;
    throw error;
  }
}
