import type { Labels, Sample, Scrape } from "./scrape.ts";

/** The part of PromQL that ops/alerts.yaml is written in: https://prometheus.io/docs/prometheus/latest/querying/basics/ */
type Vector = Sample[];
type Value = number | Vector;

/** What an expression gives at a minute of a history that has a scrape for each. Throws for what it does not know. */
export function evaluate(expression: string, history: Scrape[], minute: number): Vector {
  const tokens = expression.match(/"[^"]*"|=~|!~|!=|==|>=|<=|[\w.]+|\S/g) ?? [];
  const reader: Reader = { tokens, history, minute };
  const value = readSets(reader);
  if (tokens.length > 0) throw new Error(`${tokens[0]} is not known here`);
  return typeof value === "number" ? [{ labels: {}, value }] : value;
}

/** Tokens are taken from the front. */
interface Reader {
  tokens: string[];
  history: Scrape[];
  minute: number;
}

const isNext = ({ tokens: [next = ""] }: Reader, ...words: string[]) => words.includes(next);

function take({ tokens }: Reader, expected?: string): string {
  const token = tokens.shift() ?? "";
  if (expected !== undefined && token !== expected) throw new Error(`${expected} is wanted where ${token} stands`);
  return token;
}

/** Takes the next word if it is this one. */
const takeIf = (reader: Reader, word: string): boolean => isNext(reader, word) && take(reader) === word;

function takeList(reader: Reader, open: string, close: string): string[] {
  const items: string[] = [];
  take(reader, open);
  while (!takeIf(reader, close)) if (!takeIf(reader, ",")) items.push(take(reader));
  return items;
}

function readSets(reader: Reader): Value {
  let left = readComparison(reader);
  while (isNext(reader, "and", "unless")) {
    const wants = take(reader) === "and";
    const on = readMatching(reader);
    const keys = new Set(vectorOf(readComparison(reader)).map(({ labels }) => keyOf(labels, on)));
    left = vectorOf(left).filter(({ labels }) => keys.has(keyOf(labels, on)) === wants);
  }
  return left;
}

function readComparison(reader: Reader): Value {
  const left = readProduct(reader);
  const test = comparisons[reader.tokens[0] ?? ""];
  if (!test) return left;
  take(reader);
  const on = readMatching(reader);
  const right = pairedWith(on, readProduct(reader));
  return vectorOf(left).filter(({ labels, value }) => {
    const other = right(labels);
    return other !== undefined && test(value, other);
  });
}

/** `on (…)`, and `group_left ()`, which changes nothing where no labels are given. */
function readMatching(reader: Reader): string[] | undefined {
  const on = takeIf(reader, "on") ? takeList(reader, "(", ")") : undefined;
  if (takeIf(reader, "group_left")) takeList(reader, "(", ")");
  return on;
}

function readProduct(reader: Reader): Value {
  let left = readOperand(reader);
  while (takeIf(reader, "*")) {
    const right = readOperand(reader);
    if (typeof left === "number") left = scaled(right, left);
    else if (typeof right === "number") left = scaled(left, right);
    else throw new Error("only a number is multiplied with");
  }
  return left;
}

function readOperand(reader: Reader): Value {
  if (isNext(reader, "(")) return readBrackets(reader);
  const word = take(reader);
  if (/^[\d.]+$/.test(word)) return Number(word);
  const combine = aggregations[word];
  if (combine) {
    const by = takeIf(reader, "by") ? takeList(reader, "(", ")") : [];
    return aggregate(readBrackets(reader), by, combine);
  }
  if (word === "absent") return readBrackets(reader).length === 0 ? [{ labels: {}, value: 1 }] : [];
  if (word === "increase") return readIncrease(reader);
  return select(reader, word, readMatchers(reader), reader.minute);
}

function readBrackets(reader: Reader): Vector {
  take(reader, "(");
  const inside = vectorOf(readSets(reader));
  take(reader, ")");
  return inside;
}

function readIncrease(reader: Reader): Vector {
  take(reader, "(");
  const [name, wanted] = [take(reader), readMatchers(reader)];
  const [, count = "", unit = ""] =
    takeList(reader, "[", "]")
      .join("")
      .match(/^(\d+)([mh])$/) ?? [];
  take(reader, ")");
  const first = Math.max(0, reader.minute - Number(count) * (unit === "h" ? 60 : 1));
  const seen = new Map<string, { labels: Labels; values: number[] }>();
  for (let minute = first; minute <= reader.minute; minute++) {
    for (const { labels, value } of select(reader, name, wanted, minute)) {
      const known = seen.get(keyOf(labels)) ?? { labels, values: [] };
      known.values.push(value);
      seen.set(keyOf(labels), known);
    }
  }
  // Of a series that has just begun it is not known from what it rose.
  const risen = [...seen.values()].filter(({ values }) => values.length > 1);
  return risen.map(({ labels, values }) => ({ labels, value: (values.at(-1) ?? 0) - (values[0] ?? 0) }));
}

type Matcher = (labels: Labels) => boolean;

function readMatchers(reader: Reader): Matcher[] {
  const found: Matcher[] = [];
  if (!takeIf(reader, "{")) return found;
  while (!takeIf(reader, "}")) {
    const [label, operator, text] = [take(reader), take(reader), take(reader).slice(1, -1)];
    const pattern = new RegExp(`^(?:${operator.endsWith("~") ? text : text.replace(/\W/g, "\\$&")})$`);
    const isWanted = !operator.startsWith("!");
    found.push((labels) => pattern.test(labels[label] ?? "") === isWanted);
    takeIf(reader, ",");
  }
  return found;
}

const select = ({ history }: Reader, name: string, wanted: Matcher[], minute: number): Vector =>
  (history[minute]?.get(name) ?? []).filter(({ labels }) => wanted.every((isWanted) => isWanted(labels)));

const comparisons: Record<string, (left: number, right: number) => boolean> = {
  ">": (left, right) => left > right,
  "<": (left, right) => left < right,
  "==": (left, right) => left === right,
};
const aggregations: Record<string, (values: number[]) => number> = {
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
};

function aggregate(vector: Vector, by: string[], combine: (values: number[]) => number): Vector {
  const groups = new Map<string, Vector>();
  for (const sample of vector) {
    const key = keyOf(sample.labels, by);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].map((group) => ({
    labels: only(group[0]?.labels ?? {}, by),
    value: combine(group.map(({ value }) => value)),
  }));
}

/** The other side's value for these labels. */
function pairedWith(on: string[] | undefined, right: Value): (labels: Labels) => number | undefined {
  if (typeof right === "number") return () => right;
  const values = new Map(right.map(({ labels, value }) => [keyOf(labels, on), value]));
  return (labels) => values.get(keyOf(labels, on));
}

const scaled = (value: Value, by: number): Value =>
  typeof value === "number" ? value * by : value.map((sample) => ({ ...sample, value: sample.value * by }));
const vectorOf = (value: Value): Vector => {
  if (typeof value === "number") throw new Error("a number stands where samples are wanted");
  return value;
};
const only = (labels: Labels, names: string[]): Labels =>
  Object.fromEntries(names.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
const keyOf = (labels: Labels, names = Object.keys(labels).sort()) =>
  JSON.stringify(names.map((name) => [name, labels[name] ?? ""]));
