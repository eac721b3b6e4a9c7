import { isReplyTokenOf, repliedMessageId } from "../formats/email/tokens/reply-token.ts";
import { findByIds, findThread, listSentEmails } from "../store/messages/threads.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, Message, MessageContent } from "../store/schema.ts";
import { baseSubject, isReply } from "./find-parent.ts";

const maxSent = 50;
/** Anybody writes as many as fit into addresses, and one of them is ours. */
const maxTokens = 20;

export interface ThreadContext {
  db: Db;
  /** Proves the tokens in addresses. */
  emailSecret: Buffer;
}

/**
 * HighLevel's id of the email that a person's email answers, which is what HighLevel threads by. By In-Reply-To, then
 * References from the nearest back, then by the token in the address that it came to. Else by the subject: a reply without ids answers the newest email that we sent to this
 * person under it, and one that names nothing we know may answer what an integrator had HighLevel send by its own means,
 * whose Message-ID nobody told us.
 */
export async function findThreadOf(
  { db, emailSecret }: ThreadContext,
  conversation: Conversation,
  { receivedAt, content }: Pick<Message, "receivedAt"> & { content: MessageContent },
): Promise<string | undefined> {
  const { inReplyTo, references, subject, replyTokens = [] } = content;
  const ids = [...inReplyTo, ...references.toReversed()];
  const named =
    (await findThread(db, conversation, ids)) ?? (await findByTokens({ db, emailSecret }, conversation, replyTokens));
  if (named !== undefined || (ids.length === 0 && !isReply(subject))) return named;
  const isRelayed = ids.length > 0;
  const sent = await listSentEmails(db, conversation, { before: receivedAt, isRelayed, limit: maxSent });
  const answered = sent.find((each) => each.hasContent && baseSubject(each.subject) === baseSubject(subject));
  return answered?.highlevelEmailMessageId ?? undefined;
}

/** An email to this person whose answers were to come to such an address. */
async function findByTokens(
  { db, emailSecret }: ThreadContext,
  conversation: Conversation,
  tokens: string[],
): Promise<string | undefined> {
  const named = await findByIds(db, conversation, tokens.slice(0, maxTokens).map(repliedMessageId));
  const found = named.find((email) => tokens.some((token) => isReplyTokenOf(emailSecret, token, email)));
  return found?.highlevelEmailMessageId ?? undefined;
}
