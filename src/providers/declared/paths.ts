import { ParseError } from "../../errors.ts";

/**
 * Where a value stands in a webhook or an answer, as in `data.payload.to[].phone_number`:
 * - `[]` each item of a list, `[0]` its first one · `MediaUrl#` the fields MediaUrl0, MediaUrl1 and so on, from 0 or 1
 * - `$.` before it begins at the whole body again, where a batch has led to one of its items
 * - `@reference` is the reference that the callback URL of a message holds, and `@own` the number of the mapping, for a
 *   provider that does not say to whom a text came: an account with one number alone has it
 */
export type FindValues = (scope: Scope) => Found;

export interface Scope {
  /** The whole body, decoded, and the item of it that is read. */
  body: unknown;
  item: unknown;
  reference: string | undefined;
  ownAddress?: string | undefined;
}

export interface Found {
  /** In their order; of a list's items, those that lack the value have undefined in its place. */
  values: unknown[];
  isList: boolean;
}

type Step = { name: string } | { index: number } | { numbered: string } | "each";

const maxCharacters = 200;
const maxSteps = 12;
const maxItems = 1000;
const maxNumbered = 100;

export const pathForm =
  "must be a path such as data.id, to[].number, items[0].text or MediaUrl#, of up to 12 steps and 200 characters";

export const isPath = (text: string) => readSteps(text) !== undefined;

/** Throws for what is no path: ask `isPath` before. */
export function findAt(path: string): FindValues {
  const steps = readSteps(path);
  if (!steps) throw new Error(`${path} ${pathForm}`);
  if (path === "@reference") return ({ reference }) => ({ values: [reference], isList: false });
  if (path === "@own") return ({ ownAddress }) => ({ values: [ownAddress], isList: false });
  const isFromBody = path.startsWith("$.");
  return ({ body, item }) => {
    let found: Found = { values: [isFromBody ? body : item], isList: false };
    for (const step of steps) found = follow(found, step, path);
    return found;
  };
}

function readSteps(path: string): Step[] | undefined {
  if (path === "@reference" || path === "@own") return [];
  if (path.length > maxCharacters) return undefined;
  const steps = path.replace(/^\$\./, "").split(".").map(readPart);
  const whole = steps.flatMap((each) => each ?? []);
  return steps.includes(undefined) || whole.length > maxSteps ? undefined : whole;
}

/** What stands between two dots: a name, a mark or both. */
function readPart(part: string): Step[] | undefined {
  const [, name = "", mark = ""] = /^([^.[\]#{}@$]*)(#|\[\]|\[\d{1,3}\])?$/.exec(part) ?? [];
  if (mark === "#") return name === "" ? undefined : [{ numbered: name }];
  const steps: Step[] = name === "" ? [] : [{ name }];
  if (mark === "[]") steps.push("each");
  else if (mark !== "") steps.push({ index: Number(mark.slice(1, -1)) });
  return steps.length === 0 ? undefined : steps;
}

function follow({ values, isList }: Found, step: Step, path: string): Found {
  if (step === "each") return { values: values.flatMap((value) => itemsOf(value, path)), isList: true };
  if ("numbered" in step) return { values: values.flatMap((value) => numbered(value, step.numbered)), isList: true };
  if ("name" in step) return { values: values.map((value) => own(value, step.name)), isList };
  return { values: values.map((value) => (Array.isArray(value) ? (value[step.index] as unknown) : undefined)), isList };
}

function itemsOf(value: unknown, path: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new ParseError(`${path}: is not a list`);
  if (value.length > maxItems) throw new ParseError(`${path}: has more than ${maxItems} items`);
  return value;
}

function numbered(value: unknown, name: string): unknown[] {
  const first = own(value, `${name}0`) === undefined ? 1 : 0;
  const found: unknown[] = [];
  for (let number = first; number < maxNumbered; number++) {
    const each = own(value, `${name}${number}`);
    if (each === undefined) break;
    found.push(each);
  }
  return found;
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
