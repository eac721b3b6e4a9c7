import { findThread, listRelayedEmails } from "../store/messages/threads.ts";
import type { Db } from "../store/postgres/database.ts";
import type { Conversation, MessageContent } from "../store/schema.ts";
import { baseSubject, isReply } from "./find-parent.ts";

const maxRelayed = 50;

/**
 * HighLevel's id of the email that a person's email answers, which is what HighLevel threads by. By In-Reply-To, then
 * References from the nearest back. A reply that names nothing we know may answer what an integrator had HighLevel send by
 * its own means, whose Message-ID nobody told us: then its subject tells.
 */
export async function findThreadOf(
  db: Db,
  conversation: Conversation,
  { inReplyTo, references, subject }: MessageContent,
): Promise<string | undefined> {
  const ids = [...inReplyTo, ...references.toReversed()];
  const named = await findThread(db, conversation, ids);
  if (named !== undefined || (ids.length === 0 && !isReply(subject))) return named;
  const relayed = await listRelayedEmails(db, conversation, maxRelayed);
  const answered = relayed.find((each) => each.hasContent && baseSubject(each.subject) === baseSubject(subject));
  return answered?.highlevelEmailMessageId ?? undefined;
}
