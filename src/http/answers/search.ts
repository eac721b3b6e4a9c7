import { z } from "zod";
import { messageAnswer } from "./message.ts";

const id = z.uuid();

export const searchAnswer = z
  .discriminatedUnion("found", [
    z.object({
      found: z.literal("messages"),
      by: z.string().describe("As what it was understood: a filter of the list of messages, or `id`."),
      value: z.string().describe("As that filter takes it."),
      items: z.array(messageAnswer).describe("The newest, up to 20."),
    }),
    z.object({ found: z.literal("mapping"), id }),
    z.object({ found: z.literal("account"), id }),
    z.object({ found: z.literal("nothing") }),
  ])
  .meta({ id: "Search", description: "What a text is, of whatever people paste." });
