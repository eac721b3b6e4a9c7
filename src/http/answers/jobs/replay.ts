import { z } from "zod";
import { deliveryAnswer } from "../delivery.ts";
import { pageOf } from "../page.ts";
import { chosenWebhookAnswer } from "../webhook.ts";
import { rowId, time } from "../words.ts";
import { outcomesAnswer } from "./outcomes.ts";

const count = z.int().nonnegative();
const counted = count.describe("How many fitted when it was made; 100,000 are counted at most.");

const replay = z.object({
  id: rowId,
  filter: z.looseObject({ of: z.enum(["deliveries", "webhooks"]) }).describe("What is common to all that is replayed."),
  who: z.string().describe("`admin`, the key, `key 7`, or a user of HighLevel, `user` and the id."),
  perSecond: z.int().positive(),
  state: z.enum(["running", "done", "stopped"]),
  reason: z
    .string()
    .nullable()
    .describe("Why it does nothing at the moment, was stopped, or has left something as it was."),
  counted,
  replayed: count.describe("How many go out again."),
  skipped: count
    .nullable()
    .describe(
      "Once it is done: those that were given up no more, as somebody replayed or discarded them before, and those of paused mappings.",
    ),
  createdAt: time,
  finishedAt: time.nullable(),
});

const replayAnswer = replay.meta({
  id: "Replay",
  description: "What is done again of what was given up or not understood.",
});
export const wholeReplayAnswer = replay
  .extend({
    outcomes: outcomesAnswer
      .nullable()
      .describe("How those deliveries are now that it replayed last. Null for webhooks."),
  })
  .meta({ id: "WholeReplay" });
export const replayListAnswer = pageOf(replayAnswer);
export const replayPreviewAnswer = z.object({
  dryRun: z.literal(true),
  counted,
  sample: z.array(z.union([deliveryAnswer, chosenWebhookAnswer])).describe("The first of them."),
});
