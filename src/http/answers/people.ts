import { z } from "zod";
import { consentCauses, optOutChannels } from "../../model.ts";
import { content } from "../operations/hide-content.ts";
import { messageOfPersonAnswer } from "./message.ts";
import { pageOf } from "./page.ts";
import { rowId, time } from "./words.ts";

const text = z.string().nullable();
const cause = z.enum(consentCauses);

const optOut = z.object({
  id: rowId,
  locationId: z.string(),
  channel: z.enum(optOutChannels),
  address: content(z.string()),
  cause,
  detail: content(text.describe("The word, the provider's words, or the note of who entered it.")),
  messageId: rowId.nullable(),
  optedOutAt: time,
  liftedAt: time.nullable().describe("Null while it stands."),
  liftedBy: cause.nullable(),
});
export const shownOptOutAnswer = optOut
  .extend({ description: content(z.string()) })
  .meta({ id: "OptOut", description: "A person who is not to be written to from a location." });
export const importedOptOutsAnswer = z.object({ dryRun: z.boolean(), rows: z.int(), created: z.int() });
export const csvAnswer = z.string().meta({ description: "CSV with the names of its columns in the first line." });
export const csvOfPeopleAnswer = content(csvAnswer);

const conversation = z.object({
  locationId: z.string(),
  mappingId: z.uuid().nullable(),
  address: content(z.string()),
  highlevelContactId: text,
  highlevelConversationId: text,
  service: z.enum(["whatsapp", "rcs"]).nullable(),
  spelling: content(text),
  createdAt: time,
  updatedAt: time,
});
export const personAnswer = pageOf(messageOfPersonAnswer)
  .extend({ optOuts: z.array(optOut), conversations: z.array(conversation) })
  .meta({ id: "Person", description: "All that is kept of a person." });
export const erasedAnswer = z.object({
  erased: z.object({ conversations: z.int(), messages: z.int(), webhooks: z.int() }),
});
