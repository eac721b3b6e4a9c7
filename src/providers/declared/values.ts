import { z } from "zod";
import { ParseError } from "../../errors.ts";
import { findAt, isPath, pathForm, type Scope } from "./paths.ts";

export const path = z.string().refine(isPath, pathForm);

const constant = z.strictObject({ constant: z.string().min(1).max(1000) });
const alternative = z.union([path, constant]);

/** Where a value is found: at a path, at the first of several that has one, at all of them, or always the same. */
export const valueSource = z.union(
  [alternative, z.array(alternative).min(1).max(5), z.strictObject({ all: z.array(path).min(1).max(5) })],
  `${pathForm}; or a list of paths of which the first that has a value counts, {"constant": "…"}, or {"all": [paths]}`,
);
export type ValueSource = z.infer<typeof valueSource>;

/** A value with the path that it was looked for at, for errors. */
export interface Sought {
  path: string;
  values: unknown[];
  isList: boolean;
}

/** Reads the values of a source; those that are empty, null or missing are undefined. */
export function readSource(source: ValueSource): (scope: Scope) => Sought {
  if (typeof source === "string") {
    const find = findAt(source);
    return (scope) => {
      const { values, isList } = find(scope);
      return { path: source, isList, values: values.map((value) => scalar(value, source)) };
    };
  }
  if (Array.isArray(source)) return firstOf(source.map(readSource));
  if ("constant" in source) return () => ({ path: "constant", values: [source.constant], isList: false });
  return allOf(source.all.map(readSource));
}

function firstOf(readers: ((scope: Scope) => Sought)[]): (scope: Scope) => Sought {
  return (scope) => {
    const sought = readers.map((read) => read(scope));
    const found = sought.find(({ values }) => values.some((value) => value !== undefined));
    return found ?? { path: sought.map((each) => each.path).join(" or "), values: [], isList: false };
  };
}

function allOf(readers: ((scope: Scope) => Sought)[]): (scope: Scope) => Sought {
  return (scope) => {
    const sought = readers.map((read) => read(scope));
    return {
      path: sought.map((each) => each.path).join(" and "),
      values: sought.flatMap(({ values }) => values),
      isList: true,
    };
  };
}

/** Numbers and truth values as text: forms have nothing else. Objects stay, for the schema to refuse. */
function scalar(value: unknown, at: string): unknown {
  if (value === null || value === "") return undefined;
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "number") return value;
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new ParseError(`${at}: is a number of more digits than JavaScript keeps: have it sent as a text`);
  }
  return String(value);
}

/** One value as a schema has it; throws a ParseError that names the path. Of a list only the first counts. */
export function readOne<Output>(sought: Sought, schema: z.ZodType<Output>): Output {
  return parseAt(sought.path, schema, sought.values[0]);
}

/** Each value that is there. */
export function readEach<Output>(sought: Sought, schema: z.ZodType<Output>): Output[] {
  return sought.values.filter((value) => value !== undefined).map((value) => parseAt(sought.path, schema, value));
}

export function parseAt<Output>(at: string, schema: z.ZodType<Output>, value: unknown): Output {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ParseError(`${at}: ${value === undefined ? "is missing" : issue?.message}`);
}
