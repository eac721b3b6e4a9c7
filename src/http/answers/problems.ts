import { z } from "zod";
import { content } from "../operations/hide-content.ts";
import { deliveryKind, failureReason, rowId, time, webhookSource } from "./words.ts";

const text = z.string().nullable();
const group = z.object({
  reason: text.describe("Of webhooks the words that their reasons begin with."),
  detail: content(text.describe("In the words of the other side, of the newest.")),
  means: text.describe("What the reason means."),
  advice: z.string().describe("What to do."),
  count: z.int().positive(),
  firstAt: time,
  lastAt: time,
  example: z.object({ id: rowId, messageId: rowId.nullable() }).describe("The newest, and its message."),
});
const dead = group.extend({
  of: z.literal("deliveries"),
  filter: z.object({
    kind: deliveryKind,
    reason: failureReason.optional(),
    code: z.string().optional().describe("The provider's, of what it did not send."),
    mappingId: z.uuid().optional(),
    locationId: z.string().optional().describe("Of what has no mapping."),
  }),
});
const failed = group.extend({
  of: z.literal("webhooks"),
  filter: z.object({
    source: webhookSource,
    reason: z.string().optional(),
    accountId: z.uuid().optional().describe("None for what HighLevel posted to the app as a whole."),
  }),
});

export const problemsAnswer = z
  .object({
    items: z.array(z.discriminatedUnion("of", [dead, failed])),
    isAll: z.boolean().describe("False where there are older ones, or smaller groups, that are not counted."),
  })
  .meta({
    id: "Problems",
    description: "What was given up or not understood, by why and where. A replay and a discard take the `filter`.",
  });
export const problemCountAnswer = z
  .object({ count: z.int().nonnegative(), isAll: z.boolean().describe("False where there are more.") })
  .meta({ id: "ProblemCount" });
