import { nameFile } from "../../formats/file-names.ts";
import { isTakenExtension } from "../../highlevel/upload-form.ts";
import type { CarriedAttachment, MessageContent } from "../../store/schema.ts";

/** Why HighLevel cannot have a file, in words for the agent. */
export const refusals = {
  tooLarge: "too large",
  tooMany: "not carried, as the message has more than 50 files",
  type: "type not taken",
  refused: "not taken by HighLevel",
  gone: "no longer there",
  notGiven: "not given by the provider",
  noCredentials: "not fetched, as its number was deleted here",
  noMedia: "not fetched, as its address is not one of the provider's files",
  misconfigured: "not fetched, as the bridge's credentials do not open it",
};

export interface FilePlace {
  index: number;
  /** The names of the files before it. */
  taken: ReadonlySet<string>;
}

export function refuse(place: FilePlace, facts: CarriedAttachment, refusal: string): CarriedAttachment {
  return { ...facts, name: nameOf(place, facts), refusal };
}

export function nameOf({ index, taken }: FilePlace, { name, contentType }: CarriedAttachment): string {
  return nameFile({ name, contentType, index, taken }, isTakenExtension);
}

/** The content with some of its files named instead of handed on; the very same object where there are none. */
export function refuseFiles(content: MessageContent, isRefused: (file: CarriedAttachment) => boolean): MessageContent {
  const refused = (file: CarriedAttachment) => file.refusal === undefined && isRefused(file);
  if (!content.attachments.some(refused)) return content;
  const attachments: CarriedAttachment[] = [];
  for (const [index, file] of content.attachments.entries()) {
    const taken = new Set(attachments.flatMap(({ name }) => name ?? []));
    attachments.push(refused(file) ? refuse({ index, taken }, file, refusals.refused) : file);
  }
  return { ...content, attachments };
}
