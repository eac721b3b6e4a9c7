import { z } from "zod";
import type { Scope } from "./paths.ts";
import { path, readSource } from "./values.ts";

const word = z.union([z.string().max(200), z.number(), z.boolean()]);
const words = z.union([word, z.array(word).min(1).max(100)]);

/**
 * What must stand at paths, all of it: a word or one of several, `null` for nothing, `{"not": …}` for something that is none of
 * these words. At a path with several values one of them is enough.
 */
export const conditions = z.record(
  path,
  z.union(
    [words, z.null(), z.strictObject({ not: words })],
    'must be a word, a list of words, null for nothing there, or {"not": words}',
  ),
);
export type Conditions = z.infer<typeof conditions>;

/** What keeps the conditions from being met, in words; undefined where they are. */
export type FindHindrance = (scope: Scope) => string | undefined;

export function findHindrance(wanted: Conditions): FindHindrance {
  const checks = Object.entries(wanted).map(([at, condition]) => checkOf(at, condition));
  return (scope) => {
    for (const check of checks) {
      const hindrance = check(scope);
      if (hindrance !== undefined) return hindrance;
    }
    return undefined;
  };
}

function checkOf(at: string, condition: Conditions[string]): FindHindrance {
  const read = readSource(at);
  const isNegated = typeof condition === "object" && condition !== null && "not" in condition;
  const given = isNegated ? condition.not : condition;
  const fitting = given === null ? [] : [given].flat().map(String);
  return (scope) => {
    const there = read(scope).values.filter((value) => value !== undefined);
    const isThere = there.length > 0;
    const isOneOf = there.some((value) => fitting.includes(asWord(value)));
    const isMet = given === null ? !isThere : isThere && isOneOf !== isNegated;
    return isMet ? undefined : `${at} is ${describe(there)}, and must be ${describeWanted(fitting, { isNegated })}`;
  };
}

const asWord = (value: unknown) => (typeof value === "string" ? value : "");

function describe(values: unknown[]): string {
  if (values.length === 0) return "missing";
  const words = values
    .slice(0, 3)
    .map((value) => (typeof value === "string" ? `"${value.slice(0, 60)}"` : "not a word"));
  return words.join(", ");
}

function describeWanted(fitting: string[], { isNegated }: { isNegated: boolean }): string {
  if (fitting.length === 0) return "missing";
  const words = fitting.map((each) => `"${each}"`).join(" or ");
  return isNegated ? `something other than ${words}` : words;
}
