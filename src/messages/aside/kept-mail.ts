import type { AutomaticKind, ListPolicy, ProviderMessage } from "../../model.ts";

interface Settings {
  postAutomatic: boolean;
  postLists: ListPolicy;
}

/**
 * What a mapping takes a mail for: a machine's, or, where it wants nothing of lists and groups, a list's. What answers an
 * email of ours is a person's.
 */
export function automaticFor(
  { postLists }: Pick<Settings, "postLists">,
  { automatic, isFromList }: Pick<ProviderMessage, "automatic" | "isFromList">,
  isAnswer: boolean,
): AutomaticKind | undefined {
  if (isAnswer) return undefined;
  return automatic ?? (isFromList && postLists === "none" ? "list" : undefined);
}

/** Is it kept and marked only, so that no mail loop can start and no conversation is made of letters to many? */
export function isKept({ postAutomatic, postLists }: Settings, automatic: AutomaticKind | undefined | null): boolean {
  if (!automatic) return false;
  if (automatic === "list" && postLists !== "people") return postLists === "none";
  return !postAutomatic;
}
