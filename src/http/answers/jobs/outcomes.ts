import { z } from "zod";
import type { DeliveryState } from "../../../model.ts";

const count = z.int().nonnegative();

/** How many of the deliveries that a job has begun are how. */
export const outcomesAnswer = z.object({ pending: count, delivered: count, dead: count, discarded: count });

export const showOutcomes = (counted: Partial<Record<DeliveryState, number>>): z.output<typeof outcomesAnswer> => ({
  ...{ pending: 0, delivered: 0, dead: 0, discarded: 0 },
  ...counted,
});
