import type { Access } from "../../highlevel/call.ts";
import type { Highlevel } from "../../highlevel/client.ts";
import type { InboundAnswer, ListedMessage } from "../../highlevel/schemas.ts";
import { type ComposedMessage, composeText } from "../../messages/compose-inbound.ts";
import type { Channel } from "../../model.ts";

/** What a look-up reads at most: HighLevel's list in pages of 100, and emails one by one. */
const max = { pages: 5, emails: 50 };
const clockToleranceMs = 1000;

/** What HighLevel's list tells of a message that it may have accepted without our knowing. */
export type Search =
  | { outcome: "found"; answer: Pick<InboundAnswer, "messageId" | "emailMessageId"> }
  | { outcome: "not there" }
  /** `why` is for a person. */
  | { outcome: "cannot tell"; why: string };

/**
 * Looks a message up in its conversation: by `altId` where HighLevel gives it, else by direction, time and text. It is
 * not there when all was read that could be it, and nobody can tell when there is more than can be read, or when
 * what was read has no `altId`. A thread of emails is one entry of the list, which names their ids.
 */
export async function findPosted(
  highlevel: Highlevel,
  access: Access,
  { conversationId, channel }: { conversationId: string; channel: Channel },
  message: ComposedMessage,
): Promise<Search> {
  const tally: Tally = { named: 0, nameless: 0, emails: 0 };
  const look = channel === "sms" ? lookAtTexts : lookAtEmails;
  let after: string | undefined;
  for (let page = 1; page <= max.pages; page++) {
    const { messages, nextPage, lastMessageId } = await highlevel.listMessages(access, conversationId, after);
    const answer = await look({ highlevel, access, tally }, messages, message);
    if (answer) return { outcome: "found", answer };
    if (!nextPage || !lastMessageId || liesBefore(messages, message, channel)) return conclude(tally);
    after = lastMessageId;
  }
  return cannotTell(`it is not among the newest ${max.pages * 100} entries of the conversation, and there are more`);
}

/** What was read that could have been the message: with an `altId` and without one. */
interface Tally {
  named: number;
  nameless: number;
  /** All emails of the pages that were read, also those that were not read themselves. */
  emails: number;
}

interface LookContext {
  highlevel: Highlevel;
  access: Access;
  tally: Tally;
}

type PostedIds = Extract<Search, { outcome: "found" }>["answer"] | undefined;

async function lookAtTexts(
  { tally }: LookContext,
  listed: ListedMessage[],
  message: ComposedMessage,
): Promise<PostedIds> {
  const texts = listed.filter((each) => emailIdsOf(each).length === 0 && mayBe(each, message));
  count(tally, texts);
  const same = texts.find((each) => isSameText(each, message));
  return same && { messageId: same.id, emailMessageId: undefined };
}

/** The newest first, and of a thread its last email first. */
async function lookAtEmails(
  { highlevel, access, tally }: LookContext,
  listed: ListedMessage[],
  message: ComposedMessage,
): Promise<PostedIds> {
  const isSame = ({ altId }: { altId?: string | undefined }) => altId && altId === message.providerMessageId;
  const entry = listed.find(isSame);
  if (entry) return { messageId: entry.id, emailMessageId: emailIdsOf(entry)[0] };
  const emails = listed.flatMap((each) =>
    emailIdsOf(each)
      .map((id) => ({ messageId: each.id, id }))
      .reverse(),
  );
  const unread = emails.slice(0, Math.max(0, max.emails - tally.emails));
  tally.emails += emails.length;
  for (const { messageId, id } of unread) {
    const email = await highlevel.findEmail(access, id);
    if (isSame(email)) return { messageId, emailMessageId: id };
    if (mayBe(email, message)) count(tally, [email]);
  }
  return undefined;
}

const mayBe = ({ direction }: { direction?: string | undefined }, message: ComposedMessage) =>
  direction === undefined || direction === message.direction;

function count(tally: Tally, candidates: { altId?: string | undefined }[]): void {
  for (const { altId } of candidates) tally[altId ? "named" : "nameless"]++;
}

function conclude({ named, nameless, emails }: Tally): Search {
  if (emails > max.emails) return cannotTell(`it is not among the newest ${max.emails} emails, and there are more`);
  if (named === 0 && nameless > 0) return cannotTell("none of the messages that it shows has an altId");
  return { outcome: "not there" };
}

const cannotTell = (why: string): Search => ({ outcome: "cannot tell", why });

const emailIdsOf = (listed: ListedMessage): string[] => listed.meta?.email?.messageIds ?? [];

/**
 * A text is listed by its own date or by when it was accepted, and both are after what a whole page of older entries
 * shows. An email may lie in the old entry of its thread.
 */
function liesBefore(page: ListedMessage[], message: ComposedMessage, channel: Channel): boolean {
  const earliestMs = timeOf(message) - clockToleranceMs;
  return channel === "sms" && page.every(({ dateAdded }) => Date.parse(dateAdded ?? "") < earliestMs);
}

const timeOf = ({ sentAt, receivedAt }: ComposedMessage) => (sentAt ?? receivedAt).getTime();

function isSameText(listed: ListedMessage, message: ComposedMessage): boolean {
  if (listed.altId) return listed.altId === message.providerMessageId;
  const distanceMs = Math.abs(Date.parse(listed.dateAdded ?? "") - timeOf(message));
  return (
    Boolean(message.content.text) && listed.body === composeText(message.content) && distanceMs <= clockToleranceMs
  );
}
