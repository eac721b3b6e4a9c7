import { z } from "zod";
import { ParseError } from "../errors.ts";
import { requireBearableJson } from "./bearable-json.ts";

/**
 * A text as PostgreSQL can hold it: without U+0000, and without halves of surrogate pairs. Every text that is taken from
 * outside goes through it.
 */
export const text = z.string().transform((value) => value.replaceAll("\0", "").toWellFormed());

/** A text that must be there. */
export const requiredText = text.refine((value) => value.trim() !== "", "is empty");

/** A text that may be missing, null or empty: then it is undefined. */
export const maybeText = text.nullish().transform((value) => value || undefined);

/** Throws a ParseError that names the fields that do not fit: the first five of them. */
export function parseValue<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const problems = issues.slice(0, 5).map((issue) => `${issue.path.join(".") || "the body"}: ${issue.message}`);
  const more = issues.length > 5 ? `; and ${issues.length - 5} more` : "";
  throw new ParseError(`${problems.join("; ")}${more}`);
}

/** Throws a ParseError for what is no JSON, and for more of it than anybody's message holds. */
export function decodeJson(body: Buffer): unknown {
  requireBearableJson(body);
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new ParseError("the body is not JSON");
  }
}
