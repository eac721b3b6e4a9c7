import type { DocumentIssue } from "./document/credential-form.ts";

/** The first place where a sample says something else than what the document makes of it; none where both are the same. */
export function findDifference(said: unknown, made: unknown, path: DocumentIssue["path"]): DocumentIssue[] {
  if (isList(said) && isList(made) && said.length === made.length) return firstWithin(said, made, path);
  if (isObject(said) && isObject(made)) return firstWithin(said, made, path);
  if (said === made) return [];
  return [{ path, message: `says ${show(said)}, and the document makes ${show(made)}` }];
}

function firstWithin(said: object, made: object, path: DocumentIssue["path"]): DocumentIssue[] {
  for (const name of new Set([...Object.keys(said), ...Object.keys(made)])) {
    const [one, other] = [said, made].map((each) => new Map(Object.entries(each)).get(name) as unknown);
    const found = findDifference(one, other, [...path, name]);
    if (found.length > 0) return found;
  }
  return [];
}

const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !isList(value);

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
