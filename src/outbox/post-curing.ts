import { Failure } from "../errors.ts";
import type { Access } from "../highlevel/call.ts";
import type { Highlevel } from "../highlevel/client.ts";
import { isAboutFiles, isAboutThread, isProviderMismatch, textOf } from "../highlevel/refusals.ts";
import type { InboundAnswer } from "../highlevel/schemas.ts";
import { type ComposedMessage, composeInbound } from "../messages/compose-inbound.ts";
import { findThreadOf, type ThreadContext } from "../messages/find-thread.ts";
import { properUrl } from "../messages/proper-url.ts";
import type { HighlevelMessageType } from "../model.ts";
import type { Mapping, Mappings } from "../registry/mappings.ts";
import { keepMappingType } from "../store/mappings.ts";
import { keepAttachment } from "../store/messages/messages.ts";
import type { Conversation, MessageContent } from "../store/schema.ts";
import { refuseFiles } from "./attachments/refuse-files.ts";

export interface CuringContext extends ThreadContext {
  highlevel: Pick<Highlevel, "postInbound" | "postOutboundCall">;
  mappings: Pick<Mappings, "forget">;
}

/** Whose message goes where, and by whose token. */
export interface Post {
  mapping: Mapping;
  conversation: Conversation;
  message: ComposedMessage;
  messageId: number;
  access: Access;
}

/** What HighLevel may refuse although the message is good, and what a post can do without. */
interface Draft {
  type: HighlevelMessageType;
  /** Those that HighLevel has refused. */
  refused: readonly HighlevelMessageType[];
  emailMessageId: string | undefined;
  content: MessageContent;
}

/**
 * Posts a message. What HighLevel refuses for a part of it, before it stores anything, is posted again without that part,
 * or by the other type: a message must not be lost for its thread or for a file's address. Throws a Failure.
 */
export async function postCuring(
  context: CuringContext,
  post: Post,
  beforeCall: () => void,
): Promise<{ answer: InboundAnswer & { status: number }; detail: string | undefined }> {
  const { mapping, conversation, message, access } = post;
  const emailMessageId = await findThreadOf(context, conversation, message);
  let draft: Draft = { type: typeOf(mapping, message.content), refused: [], emailMessageId, content: message.content };
  const notes: string[] = [];
  for (;;) {
    const { type, content } = draft;
    const body = composeInbound({ ...mapping, type }, conversation, { ...message, content }, draft.emailMessageId);
    beforeCall();
    try {
      const isCallOut = message.content.call && message.direction === "outbound";
      const answer = await context.highlevel[isCallOut ? "postOutboundCall" : "postInbound"](access, body);
      await keepCures(context, post, draft);
      return { answer, detail: notes.join("; ") || undefined };
    } catch (error) {
      const cure = error instanceof Failure ? findCure(mapping, draft, error) : undefined;
      if (!cure) throw error;
      notes.push(cure.note);
      // Each cure takes away what it cures, so that it comes to an end.
      draft = { ...draft, ...cure.change };
    }
  }
}

/** What came before a mapping had calls alone is no call. */
const typeOf = ({ type }: Mapping, { call }: MessageContent): HighlevelMessageType =>
  type === "Call" && !call ? "Custom" : type;

interface Cure {
  change: Partial<Draft>;
  /** For an operator. */
  note: string;
}

function findCure(mapping: Mapping, draft: Draft, failure: Failure): Cure | undefined {
  const { channel, type, conversationProviderId } = mapping;
  // Of Custom without a provider HighLevel stores nothing, and answers 201.
  const isCured = conversationProviderId !== null && !draft.content.call;
  if (isCured && isProviderMismatch(failure)) {
    const refused = [...draft.refused, draft.type];
    const other = otherTypes[channel].find((each) => !refused.includes(each));
    if (other === undefined) return undefined;
    const note = `HighLevel takes type ${other} from this provider, not ${type}: kept`;
    return { change: { type: other, refused }, note };
  }
  if (draft.emailMessageId !== undefined && isAboutThread(failure)) {
    const note = `posted outside its thread, as HighLevel refused that: ${failure.message}`;
    return { change: { emailMessageId: undefined }, note };
  }
  const content = isAboutFiles(failure) ? withoutRefusedFiles(draft.content, failure) : draft.content;
  if (content === draft.content) return undefined;
  return { change: { content }, note: `posted without files, as HighLevel refused them: ${failure.message}` };
}

/** What most providers take comes first. */
const otherTypes: Record<Mapping["channel"], readonly HighlevelMessageType[]> = {
  sms: ["Custom", "SMS"],
  email: ["Custom", "Email"],
};

/** The files whose addresses the refusal names; all of them where it names none. */
function withoutRefusedFiles(content: MessageContent, failure: Failure): MessageContent {
  const words = textOf(failure.answer);
  const isNamed = ({ url }: { url?: string | undefined }) => url !== undefined && words.includes(properUrl(url));
  return refuseFiles(content, content.attachments.some(isNamed) ? isNamed : ({ url }) => url !== undefined);
}

async function keepCures({ db, mappings }: CuringContext, { mapping, message, messageId }: Post, draft: Draft) {
  if (draft.type !== typeOf(mapping, message.content)) {
    await keepMappingType(db, mapping.id, draft.type);
    mappings.forget(mapping.id);
  }
  // One by one: a call may have got more meanwhile.
  for (const [index, file] of draft.content.attachments.entries())
    if (file !== message.content.attachments[index]) await keepAttachment(db, messageId, index, file);
}
