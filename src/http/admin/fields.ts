import { z } from "zod";
import { parseInput } from "../problem.ts";

/** Fields that several admin routes take. */

export const text = z
  .string({ error: ({ input }) => (input === undefined ? "is required" : "must be a text") })
  .trim()
  .min(1, "must not be empty")
  .max(200, "must have 200 characters at most");
export const credentials = z
  .unknown()
  .refine((value) => (JSON.stringify(value)?.length ?? 0) <= 20_000, "must have 20,000 characters at most");

const checkQuery = z.object({ check: z.enum(["true", "false"], "must be true or false").default("true") });

/** Shall the provider and HighLevel be asked at once whether what is registered works? Not with `?check=false`. */
export const isCheckAsked = (query: unknown) => parseInput(checkQuery, query).check === "true";
