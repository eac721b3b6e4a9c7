import { z } from "zod";
import { ParseError } from "../errors.ts";

/**
 * A text as PostgreSQL can hold it: without U+0000, and without halves of surrogate pairs. Every text that an adapter
 * takes from outside goes through it.
 */
export const text = z.string().transform((value) => value.replaceAll("\0", "").toWellFormed());

/** A text that must be there. */
export const requiredText = text.refine((value) => value.trim() !== "", "is empty");

/** A provider's id of a message. It is a key: one that no index can hold is refused here, where it can be said. */
export const messageId = requiredText.refine((id) => id.length <= 998, "is longer than 998 characters");

/** A text that may be missing, null or empty: then it is undefined. */
export const maybeText = text.nullish().transform((value) => value || undefined);

/** The body as JSON that fits the schema; a ParseError names the fields that do not. */
export function parseJson<Output>(schema: z.ZodType<Output>, body: Buffer): Output {
  return parseValue(schema, decodeJson(body.toString("utf8")));
}

/** The same for application/x-www-form-urlencoded; of a repeated field the first counts. */
export function parseForm<Output>(schema: z.ZodType<Output>, body: Buffer): Output {
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body.toString("utf8"))) {
    if (!fields.has(name)) fields.set(name, value);
  }
  return parseValue(schema, Object.fromEntries(fields));
}

export function parseValue<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const problems = issues.slice(0, 5).map((issue) => `${issue.path.join(".") || "the body"}: ${issue.message}`);
  const more = issues.length > 5 ? `; and ${issues.length - 5} more` : "";
  throw new ParseError(`${problems.join("; ")}${more}`);
}

export function decodeJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new ParseError("the body is not JSON");
  }
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i;

/** A provider's time in ISO 8601, with its zone. */
export function parseTime(value: string | undefined): Date | undefined {
  return readTime(value, isoTime);
}

/** The part of a text that has a time's shape. One that cannot be read is left out: a message is worth more than its time. */
export function readTime(value: string | undefined, shape: RegExp): Date | undefined {
  const time = new Date(shape.exec(value ?? "")?.[0] ?? "");
  return Number.isNaN(time.getTime()) ? undefined : time;
}
