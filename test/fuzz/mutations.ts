import fc from "fast-check";
import type { Sample } from "../support/fixtures.ts";
import { providers } from "../support/providers.ts";

const long = 24_000;

/** What breaks parsers: wrong types, names of the prototype, numbers without end, depth, and what sends regular expressions astray. */
export const nastyTexts = [
  "",
  " ",
  "\0",
  "\u{d800}",
  "\u202e\ufeff\u2028",
  "__proto__",
  "constructor",
  "-1",
  "1e999",
  "9".repeat(400),
  "0x7f000001",
  "<>",
  "@",
  "<@>",
  "a@b",
  "=?utf-8?B?//8=?=",
  "=?utf-8?Q?=00=00?=",
  '"><script>alert(1)</script>',
  "'; drop table messages; --",
  "../../etc/passwd",
  "http://169.254.169.254/",
  "javascript:alert(1)",
  "+15005550006",
  "Thu, 99 Foo 99999 99:99:99 +9999",
  ...[" ", "\t", "\r\n", "a", "0", "@", "<", ">", "(", "[", "{", '"', "\\", ",", ";", "=", "&", "%", ".", "-", "/"].map(
    (character) => character.repeat(long),
  ),
  ...[
    "a@",
    "<a@",
    "<a@b>",
    "a b ",
    "a=",
    "a;b=",
    "\\(",
    '"a',
    "=?utf-8?q?a?= ",
    "<a>",
    "<a ",
    "On a ",
    "> ",
    "src=cid:",
    "src ",
    "cid:",
    "--a\r\n",
    "\n ",
    "\r\n\t",
    "&#",
    "%25",
    "--\n",
  ].map((part) => part.repeat(Math.ceil(long / part.length / 2))),
  `${" ".repeat(long)}x`,
  `x${" ".repeat(long)}x`,
  `<${" ".repeat(long)}x`,
  `${"\n".repeat(long)}x`,
  `"${"a".repeat(long)}@`,
  `${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`,
  `${"[".repeat(30_000)}${"]".repeat(30_000)}`,
  '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
  `On ${"a ".repeat(1000)}wrote:\n> `.repeat(10),
];

const deepArray = (depth: number): unknown => {
  let value: unknown = "x";
  for (let index = 0; index < depth; index++) value = [value];
  return value;
};

/** As fast-check's unit "binary", which first makes a table of all of them, for a second and more. */
export const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code));

const nastyText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...nastyTexts) },
  { weight: 1, arbitrary: fc.string({ unit: anyCharacter, maxLength: 200 }) },
);

const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: nastyText },
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>(
      undefined,
      null,
      true,
      0,
      -0,
      -1,
      1e308,
      Number.MAX_SAFE_INTEGER + 2,
      0.1,
      [],
      {},
      [null],
      [[]],
      { toString: 1, valueOf: 1 },
      JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
      { length: 1e9 },
      deepArray(500),
      Array.from({ length: 5000 }, () => "a@b.example"),
      Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, index])),
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
);

export interface BodyMutation {
  /** Which field, of all there are, and what happens to it. */
  at: number;
  how: "replace" | "rename" | "remove" | "repeat" | "wrap";
  name: string;
  value: unknown;
}

export const bodyMutation: fc.Arbitrary<BodyMutation> = fc.record({
  at: fc.nat(10_000),
  how: fc.constantFrom("replace", "replace", "replace", "rename", "remove", "repeat", "wrap"),
  name: fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "", "0"), fc.string()),
  value: nastyValue,
});

type Fields = Record<string, unknown>;

/** The sample's body with one thing after another gone wrong. A form's fields stay texts. */
export function mutateBody(body: Sample["body"], mutations: BodyMutation[], isForm: boolean): Sample["body"] {
  const fields: Fields = typeof body === "string" ? { body } : (structuredClone(body) as Fields);
  for (const mutation of mutations) mutateOne(fields, { ...mutation, value: structuredClone(mutation.value) });
  if (typeof body === "string") return asText(fields["body"]);
  if (!isForm) return fields;
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, asText(value)]));
}

function mutateOne(fields: Fields, { at, how, name, value }: BodyMutation): void {
  const places = placesOf(fields);
  const place = places[at % Math.max(1, places.length)];
  if (!place) return;
  const { parent, key } = place;
  const old = parent[key];
  if (how === "replace") parent[key] = value;
  else if (how === "repeat") parent[key] = [old, old];
  else if (how === "wrap") parent[key] = define({}, name, old);
  else {
    delete parent[key];
    if (how === "rename") define(parent, name, old);
  }
}

/** As JSON.parse does it: `__proto__` is a field like any other. */
function define(fields: Fields, name: string, value: unknown): Fields {
  return Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}

function placesOf(value: unknown): { parent: Fields; key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value)
    .slice(0, 200)
    .flatMap(([key, inner]) => [
      { parent: value as Fields, key },
      ...(key === "__proto__" || isDeep(inner) ? [] : placesOf(inner)),
    ]);
}

/** Not to be walked: it was made to break who walks. */
const isDeep = (value: unknown) => Array.isArray(value) && Array.isArray(value[0]) && Array.isArray(value[0][0]);

const asText = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

export interface ByteMutation {
  at: number;
  how: "flip" | "cut" | "insert" | "double" | "drop" | "whole";
  bytes: string;
}

export const byteMutation: fc.Arbitrary<ByteMutation> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }).map((part) => Math.floor(part * 1e9)),
  how: fc.constantFrom("flip", "cut", "insert", "double", "drop", "whole"),
  bytes: nastyText,
});

export function mutateBytes(body: Buffer, mutations: ByteMutation[]): Buffer {
  return mutations.reduce((bytes: Buffer, { at, how, bytes: extra }) => {
    const position = Math.floor((at / 1e9) * bytes.length);
    const [before, after] = [bytes.subarray(0, position), bytes.subarray(position)];
    if (how === "cut") return before;
    if (how === "whole") return Buffer.from(extra);
    if (how === "drop") return Buffer.concat([before, after.subarray(1 + (at % 40))]);
    if (how === "double") return Buffer.concat([bytes, after]);
    if (how === "insert") return Buffer.concat([before, Buffer.from(extra), after]);
    const flipped = Buffer.from(bytes);
    if (position < flipped.length) flipped[position] = (flipped[position] ?? 0) ^ (1 << (at % 8));
    return flipped;
  }, body);
}

const url = "https://bridge.example.com/webhooks/1";
/** What proves by whom a request is, and what it holds: of every provider, and of HighLevel. */
const headerNames = [
  ...new Set([
    "content-type",
    "authorization",
    ...providers.flatMap(({ signer, fixtures }) =>
      fixtures.flatMap(({ fixture }) => Object.keys(signer.sign(fixture.request, { url, at: new Date() }).headers)),
    ),
    "x-ghl-signature",
    "x-wh-signature",
  ]),
];
const contentTypes = [
  "application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "multipart/form-data; boundary=",
  'multipart/form-data; boundary="a',
  `multipart/form-data; boundary=${"a".repeat(5000)}`,
  "application/json; charset=utf-7",
  "text/html",
];

/** Headers as Node lets them through: no control characters. */
export const headerMutation = fc.record({
  name: fc.constantFrom(...headerNames),
  value: fc.oneof(
    fc.constantFrom(...contentTypes),
    nastyText.map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "").slice(0, 8000)),
  ),
});
