import type { Request } from "express";
import { z } from "zod";
import { refuse } from "./api-error.ts";

/**
 * Parses a body or a query as HighLevel validates it, which is class-validator behind Nest: a 422 with a sentence for each
 * wrong field, and for each that is not declared, `property x should not exist`.
 */
export function parseRequest<Output>(schema: z.ZodType<Output>, input: unknown): Output {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  throw refuse.validation([...new Set(parsed.error.issues.flatMap(sentencesOf))]);
}

const nothing = z.strictObject({});

export function requireNoQuery(req: Request): void {
  parseRequest(nothing, req.query);
}

function sentencesOf(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${path && `${path}.`}property ${key} should not exist`);
  }
  if (issue.code === "custom") return [issue.message];
  const isEntry = typeof issue.path.at(-1) === "number";
  const subject = isEntry ? `each value in ${issue.path.slice(0, -1).join(".")}` : path;
  return [`${subject} ${demandOf(issue)}`];
}

function demandOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return types[issue.expected] ?? `must be a ${issue.expected}`;
  if (issue.code === "invalid_value") return "must be a valid enum value";
  if (issue.code === "invalid_format") return formats[issue.format] ?? issue.message;
  if (issue.code === "too_small" && issue.origin === "array") return `must contain at least ${issue.minimum} elements`;
  if (issue.code === "too_small" && issue.origin === "string") return "should not be empty";
  if (issue.code === "too_small") return `must not be less than ${issue.minimum}`;
  if (issue.code === "too_big") return `must not be greater than ${issue.maximum}`;
  return "is not valid";
}

const types: Record<string, string> = {
  array: "must be an array",
  boolean: "must be a boolean value",
  int: "must be an integer number",
  number: "must be a number conforming to the specified constraints",
  object: "must be an object",
  record: "must be an object",
};

const formats: Record<string, string> = {
  datetime: "must be a valid ISO 8601 date string",
  url: "must be a URL address",
};
