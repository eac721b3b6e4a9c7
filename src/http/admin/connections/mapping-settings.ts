import { z } from "zod";
import { highlevelMessageTypes, weekdays } from "../../../model.ts";
import { text } from "../fields.ts";

const timeOfDay = (pattern: RegExp) => z.string().regex(pattern, "must be a time as in 09:00").nullable().optional();

/** What a mapping can be told when it is registered, and later. */
export const mappingSettings = {
  conversationProviderId: text
    .nullable()
    .optional()
    .describe("Of the conversation provider in HighLevel's app. Left out for the location's default provider."),
  type: z
    .enum(highlevelMessageTypes)
    .optional()
    .describe("As which kind messages are posted. Left out it is found out. `Call`: the mapping has calls alone."),
  callProviderId: text.nullable().optional().describe("Of a provider of type Call, for calls to the number."),
  unknownSender: z
    .enum(["create", "hold", "ignore"])
    .optional()
    .describe("What becomes of the message of a person who is not known in HighLevel: `create` makes a contact."),
  postAutomatic: z.boolean().optional().describe("Posts auto-replies, bounces and list mail, too."),
  postLists: z.enum(["people", "all", "none"]).optional().describe("What of mailing lists is posted."),
  onUnknownOutcome: z
    .enum(["repost", "hold"])
    .optional()
    .describe("When HighLevel may have taken a message and its list cannot tell."),
  isDefault: z.boolean().optional().describe("Sends to people with whom nobody has written yet."),
  userIds: z
    .array(z.string().trim().min(1).max(100))
    .max(100)
    .nullable()
    .optional()
    .describe(
      "HighLevel's ids of the agents whose number or mailbox it is: sends what they write to people who have none yet.",
    ),
  stripQuoted: z.boolean().optional().describe("Leaves of the text of an email reply what is new in it."),
  replyTokens: z.boolean().optional().describe("Sends emails with a Reply-To that says which email an answer is to."),
  listUnsubscribe: z
    .boolean()
    .optional()
    .describe("Sends emails with List-Unsubscribe, by which a mail program unsubscribes the person with one click."),
  dmarcFailures: z
    .enum(["post", "mark", "hold"])
    .optional()
    .describe("What becomes of an email that fails DMARC: `mark` says so above it, `hold` waits for a replay."),
  sendFrom: timeOfDay(/^([01]\d|2[0-3]):[0-5]\d$/).describe(
    "From when people may be written to, as in 09:00, by the clocks where their number is from: what is sent before waits.",
  ),
  sendUntil: timeOfDay(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/).describe(
    "Until when, as in 20:00; 24:00 is midnight. Before sendFrom it is on the next day.",
  ),
  sendDays: z.array(z.enum(weekdays)).min(1).nullable().optional().describe("On which days. Left out on all."),
  timeZone: text
    .nullable()
    .optional()
    .describe("As in Europe/Berlin: of mailboxes, of numbers that tell no country, and of the daily cap."),
  answerHours: z
    .int()
    .min(1)
    .max(72)
    .nullable()
    .optional()
    .describe("So many hours after a person has written an agent's answer goes out at once, whatever the time."),
  dailyCap: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .optional()
    .describe("So many messages at most are sent a day, answers too: the others wait for the next one."),
};
