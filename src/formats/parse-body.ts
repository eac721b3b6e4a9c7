import type { z } from "zod";
import { decodeJson, parseValue, requiredText } from "./parse-value.ts";

/** A provider's id of a message. It is a key: one that no index can hold is refused here, where it can be said. */
export const messageId = requiredText.refine((id) => id.length <= 998, "is longer than 998 characters");

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
