import { z } from "zod";
import { deliveryKind, failureReason, time } from "./words.ts";

const count = z.int().nonnegative();
const states = {
  delivered: count,
  retrying: count.describe("Failed, and tried again."),
  dead: count.describe("Failed, and given up."),
};
const ms = z.int().nonnegative().nullable();
const figures = {
  ...states,
  throttled: count.describe("Of the failed ones, those that were answered 429."),
  p50Ms: ms.describe("How long half of them took at most, estimated; null where there are none."),
  p95Ms: ms,
};

export const metricsAnswer = z
  .object({
    span: z.string(),
    from: time,
    stepSeconds: count,
    steps: z.array(z.object({ at: time, ...states })),
    all: z.object(figures),
    outcomes: z.array(
      z.object({
        kind: deliveryKind,
        state: z.enum(["delivered", "pending", "dead"]),
        outcome: z.union([z.literal("delivered"), failureReason]),
        ...figures,
      }),
    ),
    mappings: z.array(z.object({ mappingId: z.uuid().nullable(), locationId: z.string(), ...figures })),
  })
  .meta({ id: "Metrics", description: "How attempts ended: those of which there are most come first." });
