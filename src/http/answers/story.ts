import { z } from "zod";
import { content } from "../operations/hide-content.ts";
import { time } from "./words.ts";

const storyStep = z.object({
  kind: z
    .enum([
      "written",
      "received",
      "read",
      "turn",
      "attempt",
      "interrupted",
      "held",
      "replay",
      "end",
      "next",
      "receipt",
      "fate",
      "wait",
    ])
    .describe(
      "`turn`: what stood before it was done; `interrupted`: the process that attempted it has died; `held`: nobody was to be written to then, or the day's number was reached; `end`: how a delivery ended; `next`: what it waits for; `fate`: how the message is; `wait`: the time between two steps.",
    ),
  at: time.nullable().describe("Null where nobody knows: the step stands where it belongs."),
  state: z.enum(["ok", "busy", "bad", "quiet"]),
  what: z.string().describe("What happened, in words."),
  said: content(z.string().nullable().describe("In the words of others.")),
  means: z.string().nullable().describe("What the reason means."),
});

export const storyAnswer = z
  .object({ steps: z.array(storyStep) })
  .meta({ id: "Story", description: "Everything that is known to have happened to a message, in its order." });
/** As it stands in an answer, before it is JSON. */
export type StoryStep = Omit<z.output<typeof storyStep>, "at"> & { at: Date | null };
