import type { AutomaticKind, ListPolicy, UnknownSenderPolicy } from "../model.ts";
import type { Conversation } from "../store/schema.ts";
import { isKept } from "./kept-mail.ts";
import { admit } from "./unknown-sender.ts";

/** Why a message is taken in and does not go to HighLevel: a machine wrote it, or its sender is held. */
export type Aside = "held" | AutomaticKind;

/** How many. */
export interface AsideCounts {
  held?: number;
  kept?: Partial<Record<AutomaticKind, number>>;
}

export function whyAside(
  mapping: { postAutomatic: boolean; postLists: ListPolicy; unknownSender: UnknownSenderPolicy },
  conversation: Pick<Conversation, "highlevelContactId" | "highlevelConversationId">,
  automatic: AutomaticKind | null | undefined,
): Aside | undefined {
  if (automatic && isKept(mapping, automatic)) return automatic;
  return admit(mapping, conversation) === "held" ? "held" : undefined;
}

/** Without what there is none of. */
export function countAside(asides: (Aside | undefined)[]): AsideCounts {
  const counts: AsideCounts = {};
  for (const aside of asides) {
    if (aside === "held") counts.held = (counts.held ?? 0) + 1;
    else if (aside) counts.kept = { ...counts.kept, [aside]: (counts.kept?.[aside] ?? 0) + 1 };
  }
  return counts;
}
