import { z } from "zod";

const nextCursor = z.string().nullable().describe("Give it as `cursor` to go on; null where there is nothing more.");

export const pageOf = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), nextCursor });

/** What is done to many at once: how many those were. */
export const bulkOf = <Done extends string>(done: Done) =>
  z.object({ [done]: z.int().nonnegative(), nextCursor: nextCursor.optional() });

/** What it would be done to. */
export const dryRunOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    dryRun: z.literal(true),
    count: z.int().nonnegative(),
    sample: z.array(item).describe("The first of them."),
    nextCursor,
  });
