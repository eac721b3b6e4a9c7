import { z } from "zod";
import { authAnswer } from "./connections.ts";
import { problemsAnswer } from "./problems.ts";
import { failureReason, time } from "./words.ts";

const count = z.int().nonnegative();
const text = z.string().nullable();
const steps = z.array(count).describe("In each of so many equal parts of the last hour.");

export const overviewAnswer = z
  .object({
    says: z.string().describe("How it stands, in one sentence."),
    inHighlevel: steps.describe("Messages that HighLevel took, in each part of the last hour."),
    sent: steps.describe("Messages that providers took."),
    p95Ms: z
      .int()
      .nullable()
      .describe("So long 95 of 100 took at most from webhook to HighLevel, of the newest of the last hour."),
    waiting: z.object({ count, oldestAt: time.nullable() }).describe("10,000 are counted at most."),
    failedSends: count,
    dead: count,
    notUnderstood: count,
    stoppedLocations: z
      .array(
        z.object({
          ...{ id: z.string(), name: text, auth: authAnswer, reason: failureReason, detail: text, advice: z.string() },
          ...{ since: time.nullable(), until: time.nullable() },
        }),
      )
      .describe("To which nothing goes, up to 20."),
    pausedMappings: z
      .array(z.object({ id: z.uuid(), address: z.string(), name: text, locationId: z.string(), pausedAt: time }))
      .describe("That somebody paused, up to 20, the longest first."),
    problems: problemsAnswer,
  })
  .meta({ id: "Overview", description: "Whether all is well, and what needs somebody." });
