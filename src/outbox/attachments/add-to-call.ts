import { Failure } from "../../errors.ts";
import type { Highlevel } from "../../highlevel/client.ts";
import { urlsOf } from "../../messages/compose-inbound.ts";
import { isBeingPosted } from "../../store/messages/calls.ts";
import { type AttemptResult, type MessageAttempt, requireMapping } from "../attempt.ts";
import { type CarryContext, carryAttachments } from "./carry-attachments.ts";

export interface AddToCallContext extends CarryContext {
  highlevel: CarryContext["highlevel"] & Pick<Highlevel, "setAttachments" | "findMessage">;
}

/** https://marketplace.gohighlevel.com/docs/ghl/conversations/add-message-attachments */
const maxFiles = 5;

/**
 * Gives a call that HighLevel has all its files: those that it was posted with, and those that came later. The same twice
 * changes nothing. A call that is not posted yet takes them along; until then this one waits, unless its post was given up or is
 * held. Where it is after a merge
 * HighLevel tells, which refuses one that was deleted. Throws a Failure.
 */
export async function addToCall(context: AddToCallContext, input: MessageAttempt): Promise<AttemptResult> {
  const { message, conversation } = input;
  const { content, highlevelMessageId: messageId } = message;
  if (!content) throw new Failure("rejected", "the call's content was deleted after RETENTION_DAYS");
  if (messageId === null && !(await isBeingPosted(context.db, message.id)))
    return {
      detail: "the call was not posted: it takes along what it has if its own delivery is replayed",
      change: {},
    };
  if (messageId === null)
    throw new Failure(
      "not_visible",
      "the call itself is not in HighLevel yet: it takes along what it has when it is posted",
    );
  const access = await input.access();
  const conversationId =
    conversation.highlevelConversationId ?? (await context.highlevel.findMessage(access, messageId)).conversationId;
  const { id, webhookId, providerMessageId, receivedAt } = message;
  const carried = { id, webhookId, providerMessageId, receivedAt, content };
  const whole = await carryAttachments(context, {
    ...{ mapping: requireMapping(input), access, conversationId, message: carried },
  });
  const urls = urlsOf(whole);
  const refused = whole.attachments.flatMap(({ name, refusal }) =>
    refusal === undefined ? [] : `${name}: ${refusal}`,
  );
  const left =
    urls.length > maxFiles
      ? [`HighLevel takes ${maxFiles} files of a call: ${urls.length - maxFiles} are left out`]
      : [];
  const detail = [...refused, ...left].join("; ") || undefined;
  if (urls.length === 0) return { detail, change: {} };
  input.beforeCall();
  const { status } = await context.highlevel.setAttachments(access, messageId, urls.slice(0, maxFiles));
  return { status, detail, change: {} };
}
