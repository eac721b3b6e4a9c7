import type { UnknownSenderPolicy } from "../../model.ts";
import type { Conversation } from "../../store/schema.ts";

/**
 * What becomes of a message by who wrote it. A person is known by an id of HighLevel's that somebody registered, or that
 * an earlier message brought.
 */
export function admit(
  { unknownSender }: { unknownSender: UnknownSenderPolicy },
  { highlevelContactId, highlevelConversationId }: Pick<Conversation, "highlevelContactId" | "highlevelConversationId">,
): "let in" | "held" | "ignored" {
  if (unknownSender === "create" || highlevelContactId !== null || highlevelConversationId !== null) return "let in";
  return unknownSender === "hold" ? "held" : "ignored";
}

/** For whoever looks at a held message: why it is held, and what lets it go. */
export const heldDetail =
  "nobody has registered this sender's conversation, and the mapping's unknownSender is not create: " +
  "say who it is in HighLevel, and it is delivered by itself";

export const ignoredReason = "unknown_sender: the mapping ignores senders that nobody registered";
