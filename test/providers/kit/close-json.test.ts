import { expect, test } from "vitest";
import { closeJson } from "../../../src/providers/kit/email/close-json.ts";

const closed = (cut: string) => JSON.parse(closeJson(Buffer.from(cut)).toString("utf8"));

test.each([
  ['{"a":1,"b":"hal', { a: 1, b: "hal" }],
  ['{"a":1,"b', { a: 1 }],
  ['{"a":1,"b":', { a: 1 }],
  ['{"a":1,"b":tru', { a: 1 }],
  ['{"a":12', {}],
  ['{"a":12}', { a: 12 }],
  ['{"a" : 12 , "b" : [1, 2', { a: 12, b: [1] }],
  ['[{"name":"a.pdf","content":"JVBE', [{ name: "a.pdf", content: "JVBE" }]],
  ['{"a":[],"b":{},"c":"x\\"y","d":["\\\\"', { a: [], b: {}, c: 'x"y', d: ["\\"] }],
  ['{"a":"x\\', { a: "x" }],
  ['{"a":"x\\\\', { a: "x\\" }],
  ['{"a":"x\\u00', { a: "x" }],
  ['{"a":"x\\u00e9', { a: "xé" }],
  ['{"a":"x\\\\u00', { a: "x\\u00" }],
  ['"ab', "ab"],
  ['{"a":{"b":[{"c":null},{"d":"', { a: { b: [{ c: null }, { d: "" }] } }],
])("%s is closed where it was cut", (cut, read) => {
  expect(closed(cut)).toEqual(read);
});

test("wherever JSON is cut, what is read is a part of it", () => {
  const whole = { a: 'é\\"\n', b: [1.5e3, true, null, { c: "\u2028", d: [] }], "": { e: "/" } };
  const text = JSON.stringify(whole, undefined, 1).replaceAll("/", "\\/");
  for (let at = 1; at <= text.length; at++) expect(() => closed(text.slice(0, at))).not.toThrow();
  expect(closed(text)).toEqual(whole);
});

test("what was cut from 50 MB is closed in a moment", () => {
  const cut = Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(50_000_000, "\\\\")]);
  expect(closeJson(cut).length).toBe(cut.length + 2);
});
