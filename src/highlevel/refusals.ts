import type { Failure } from "../errors.ts";

/** What HighLevel's refusals are about, by their words: the statuses are the same for all of them. */

const plainRefusals = new Set([400, 403, 404, 409, 410, 413, 415, 422]);

/** Does the type not suit the conversation provider? HighLevel refuses that before it stores anything. */
export function isProviderMismatch(failure: Failure): boolean {
  return /PROVIDER_MISMATCH|Incorrect conversationProviderId\/type/.test(textOf(failure.answer));
}

const missing =
  /not\b.{0,20}\bfound|\bno (such )?(contact|conversation)|unable to (find|locate)|(could|can)( ?not|n't|'t) (find|locate)|does(n't| not) exist|no longer|deleted|removed|archived|merged|invalid (contact|conversation)|(contact|conversation) id\b.{0,30}\b(invalid|not valid)|(contact|conversation)( is)? (missing|unavailable)|does(n't| not) belong/i;
const subject = /(contact|conversation)(?!s?[\s_-]*(provider|msg))/gi;

/**
 * Is it about a contact or a conversation that HighLevel has no longer, as after a merge? `conversation` where it speaks of
 * nothing else: the contact may still be there.
 */
export function goneThing(failure: Failure): "contact" | "conversation" | undefined {
  const words = spelledOut(textOf(failure.answer) || failure.message);
  if (!plainRefusals.has(failure.status ?? 0) || failure.reason === "misconfigured" || !missing.test(words))
    return undefined;
  const things = new Set([...words.matchAll(subject)].map(([, thing]) => thing?.toLowerCase()));
  if (things.has("contact")) return "contact";
  return things.has("conversation") ? "conversation" : undefined;
}

/** `contact_not_found` and `ContactNotFound` as words. */
const spelledOut = (words: string) => words.replaceAll("_", " ").replace(/([a-z])([A-Z])/g, "$1 $2");

/** Is it about the email that the post is to stand under, which may have been deleted or stand elsewhere by now? */
export function isAboutThread(failure: Failure): boolean {
  return isRefusal(
    failure,
    /emailMessageId|replyMessageId|\bthread|no message found|message\b.{0,60}\bnot found|MSG_NOT_FOUND/i,
  );
}

/** Is it about the URLs of files? HighLevel refuses the whole message for one that it does not like. */
export function isAboutFiles(failure: Failure): boolean {
  return isRefusal(
    failure,
    /attachment|\burls?\b|\blinks?\b|\bmedia\b|\bmime\b|\bfiles?\b|\b(image|picture|video)s?\b/i,
  );
}

/** Is there such a thing already, although a search may not show it yet? */
export function isAlreadyThere(failure: Failure): boolean {
  return isRefusal(failure, /already|duplicate|(?<!not )\bexists\b/i);
}

function isRefusal(failure: Failure, words: RegExp): boolean {
  return plainRefusals.has(failure.status ?? 0) && words.test(textOf(failure.answer) || failure.message);
}

export function textOf(answer: unknown): string {
  if (answer === undefined || answer === null) return "";
  return typeof answer === "string" ? answer : JSON.stringify(answer ?? "");
}
