import type { Access, Highlevel } from "../highlevel/client.ts";
import type { InboundAnswer, ListedMessage } from "../highlevel/schemas.ts";
import { type ComposedMessage, composeText } from "./compose-inbound.ts";

/** HighLevel's lists are read back so far; what lies further back is taken for not there. */
const most = { pages: 5, emails: 50 };
const clockToleranceMs = 1000;

type Found = Pick<InboundAnswer, "messageId" | "emailMessageId">;

/**
 * Looks a message up in its conversation that may have been accepted without our knowing: by `altId` where HighLevel
 * gives it, else by direction, time and text. A thread of emails is one entry of the list, which names their ids, so
 * emails are read one by one, the newest first.
 */
export async function findPosted(
  highlevel: Highlevel,
  access: Access,
  conversationId: string,
  message: ComposedMessage,
): Promise<Found | undefined> {
  let emailsLeft = most.emails;
  let after: string | undefined;
  for (let page = 1; page <= most.pages; page++) {
    const { messages, nextPage, lastMessageId } = await highlevel.listMessages(access, conversationId, after);
    const same = messages.find((listed) => isSameMessage(listed, message));
    if (same) return { messageId: same.id, emailMessageId: emailIdsOf(same)[0] };

    const emails = messages.flatMap((listed) =>
      emailIdsOf(listed)
        .map((id) => ({ listed, id }))
        .reverse(),
    );
    for (const { listed, id } of emails.slice(0, emailsLeft)) {
      const { altId } = await highlevel.findEmail(access, id);
      if (altId === message.providerMessageId) return { messageId: listed.id, emailMessageId: id };
    }
    emailsLeft = Math.max(0, emailsLeft - emails.length);
    if (!nextPage || !lastMessageId) return undefined;
    after = lastMessageId;
  }
  return undefined;
}

const emailIdsOf = (listed: ListedMessage): string[] => listed.meta?.email?.messageIds ?? [];

function isSameMessage(listed: ListedMessage, message: ComposedMessage) {
  const { direction, providerMessageId, sentAt, receivedAt, content } = message;
  if (listed.altId) return listed.altId === providerMessageId;
  const distanceMs = Math.abs(Date.parse(listed.dateAdded ?? "") - (sentAt ?? receivedAt).getTime());
  const isSameText = Boolean(content.text) && listed.body === composeText(content);
  return listed.direction === direction && isSameText && distanceMs <= clockToleranceMs;
}
