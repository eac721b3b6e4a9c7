import { z } from "zod";
import { content } from "../../operations/hide-content.ts";
import { pageOf } from "../page.ts";
import { rowId, time } from "../words.ts";
import { outcomesAnswer } from "./outcomes.ts";

const count = z.int().nonnegative();
const line = z.object({
  line: count.describe(
    "Of a file its line, of which the first is 1; of a history how many messages were read by then.",
  ),
  reason: content(z.string()),
});

const imported = z.object({
  id: rowId,
  mappingId: z.uuid(),
  source: z.enum(["file", "history"]),
  history: z.object({ from: time.nullable(), until: time }).nullable().describe("Null for a file."),
  who: z.string().describe("`admin`, or the key: `key 7`."),
  perSecond: z.int().positive(),
  dryRun: z.boolean(),
  state: z.enum(["running", "paused", "done", "stopped"]),
  stage: z
    .enum(["reading", "sorting", "matching", "posting"])
    .describe(
      "How far it is, and until it posts all counts may grow. As it is `matching`, a dry run asks HighLevel which people it knows; before it posts it changes nothing there.",
    ),
  reason: z.string().nullable().describe("Why it waits, or was stopped."),
  lines: count.describe("How many lines or messages were read."),
  refused: count,
  duplicates: count.describe("Those that the bridge had already, or that stood in it twice."),
  people: count,
  knownPeople: count.describe(
    "Those of these whose contact the bridge knows: the others are found in HighLevel, or made.",
  ),
  matchedPeople: count.describe("Of the others those whom HighLevel knew when a dry run asked."),
  newPeople: count.describe(
    "Those whom it did not: their contacts will be made. Who is in none of the three was not asked for.",
  ),
  begun: count.describe("How many are posted, or on their way."),
  notes: z.array(z.string()).describe("What to know before it posts."),
  createdAt: time,
  finishedAt: time.nullable(),
});

const importAnswer = imported.meta({ id: "Import", description: "What was before, brought into HighLevel." });
export const wholeImportAnswer = imported
  .extend({
    outcomes: outcomesAnswer.describe("How those are that it has begun."),
    firstRefused: z.array(line).describe("The first lines that were refused, and why."),
  })
  .meta({ id: "WholeImport" });
export const importListAnswer = pageOf(importAnswer);
export const refusedLinesAnswer = pageOf(line);
