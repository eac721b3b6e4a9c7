import { z } from "zod";
import { normalizeMailbox } from "../../../formats/mailbox.ts";
import { maybeText, messageId, text } from "../fields.ts";

/** Types of fields that only mail has. */

/** A Message-ID without its angle brackets, where a provider's id of an email is one. */
export const rfcMessageId = text.transform((id) => id.trim().replace(/^<|>$/g, "")).pipe(messageId);

/** A mailbox alone; undefined where it is missing, or is none. */
export const maybeMailbox = maybeText.transform((given) => given && normalizeMailbox(given));

/** A link that can be followed; undefined where it is missing, or is none. */
export const maybeLink = maybeText.transform((given) => (/^https:\/\//i.test(given ?? "") ? given : undefined));

/** Headers by their names, each with a value or a list of them. */
export const headersByName = z
  .record(z.string(), z.union([z.string().transform((value) => [value]), z.array(z.string())]))
  .transform((values) => Object.entries(values).flatMap(([name, all]) => all.map((value) => ({ name, value }))));
