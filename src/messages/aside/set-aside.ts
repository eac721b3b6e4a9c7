import type { HeldReason } from "../../errors.ts";
import type { AutomaticKind, DmarcPolicy, ListPolicy, UnknownSenderPolicy } from "../../model.ts";
import type { Conversation, NewMessage } from "../../store/schema.ts";
import { dmarcDetail, failsDmarc } from "./dmarc.ts";
import { isKept } from "./kept-mail.ts";
import { admit, heldDetail } from "./unknown-sender.ts";

/** Why a message is taken in and does not go to HighLevel: a machine wrote it, or a person has to look first. */
export type Aside = "held" | AutomaticKind;

/** How many. */
export interface AsideCounts {
  held?: number;
  kept?: Partial<Record<AutomaticKind, number>>;
}

interface Settings {
  postAutomatic: boolean;
  postLists: ListPolicy;
  unknownSender: UnknownSenderPolicy;
  dmarcFailures: DmarcPolicy;
}
type Known = Pick<Conversation, "highlevelContactId" | "highlevelConversationId">;
type Judged = Pick<NewMessage, "automatic" | "direction" | "content">;

export function whyAside(mapping: Settings, conversation: Known, message: Judged): Aside | undefined {
  const { automatic } = message;
  if (automatic && isKept(mapping, automatic)) return automatic;
  return whyHeld(mapping, conversation, message) ? "held" : undefined;
}

/** Whoever has looked at a mail that fails DMARC may still have to say whose it is: that is asked when it is posted. */
export function whyHeld(
  { dmarcFailures, unknownSender }: Pick<Settings, "dmarcFailures" | "unknownSender">,
  conversation: Known,
  { direction, content }: Pick<Judged, "direction" | "content">,
): { reason: HeldReason; detail: string } | undefined {
  const isDoubtful = dmarcFailures === "hold" && direction === "inbound" && failsDmarc(content ?? {});
  if (isDoubtful) return { reason: "failed_dmarc", detail: dmarcDetail };
  const isHeld = admit({ unknownSender }, conversation) === "held";
  return isHeld ? { reason: "unknown_sender", detail: heldDetail } : undefined;
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
