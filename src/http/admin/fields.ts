import { z } from "zod";

/** Fields that several admin routes take. */

export const text = z
  .string({ error: ({ input }) => (input === undefined ? "is required" : "must be a text") })
  .trim()
  .min(1, "must not be empty")
  .max(200, "must have 200 characters at most");
export const credentials = z
  .unknown()
  .refine((value) => (JSON.stringify(value)?.length ?? 0) <= 20_000, "must have 20,000 characters at most");
