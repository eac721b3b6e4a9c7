import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createDocument } from "../../src/http/openapi/document.ts";
import { breaksOf } from "../support/breaks.ts";

type Document = ReturnType<typeof createDocument>;
const released: Document = JSON.parse(readFileSync("docs/openapi.released.json", "utf8"));

/** What is broken on purpose since then, each with the line of the changelog that says what to do. Empty after a release. */
const broken: Record<string, string> = {};

test("a client that was written by the last release's document goes on working", () => {
  const breaks = breaksOf(released, JSON.parse(JSON.stringify(createDocument())));
  expect(breaks.filter((each) => !Object.hasOwn(broken, each))).toEqual([]);
  expect(Object.keys(broken).filter((each) => !breaks.includes(each))).toEqual([]);
});

const document = {
  paths: {
    "/things/{id}": {
      get: {
        parameters: [{ name: "state", in: "query", schema: { type: "string", enum: ["new", "old"] } }],
        responses: { 200: { content: { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } } } },
      },
      put: {
        requestBody: {
          content: {
            "application/json": {
              schema: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
            },
          },
        },
        responses: { 204: {} },
      },
    },
  },
  components: {
    schemas: {
      Thing: {
        type: "object",
        properties: {
          id: { type: "integer" },
          parts: { type: "array", items: { type: "object", properties: { name: { type: "string" } } } },
        },
        required: ["id"],
      },
    },
  },
};

const name = '"name":{"type":"string"}';
test.each([
  ["an operation that is gone", '"put":', '"post":', "PUT /things/{id} is gone"],
  ["a field of an answer that is gone", '"parts":', '"pieces":', "GET /things/{id}: 200.parts is gone"],
  [
    "one within a list",
    `"properties":{${name}}}}}`,
    '"properties":{}}}}',
    "GET /things/{id}: 200.parts[].name is gone",
  ],
  ["one that may be missing", '"required":["id"]', '"required":[]', "GET /things/{id}: 200.id may be missing"],
  ["one that may be null", '"type":"integer"', '"type":["integer","null"]', "GET /things/{id}: 200.id may be null"],
  ["a status that is gone", '"204":', '"200":', "PUT /things/{id}: 204 is not answered any more"],
  ["a word that is not taken", '["new","old"]', '["new"]', "GET /things/{id}: ?.state is not old any more"],
  ["a parameter that must be given", '"in":"query"', '"required":true', "GET /things/{id}: ?.state must be given"],
  [
    "a field that must be given",
    `{${name}},"required":["name"]`,
    `{${name},"size":{"type":"number"}},"required":["name","size"]`,
    "PUT /things/{id}: .size must be given",
  ],
  ["a field that is not taken", `{${name}},"required":["name"]`, "{}", "PUT /things/{id}: .name is not taken any more"],
])("%s breaks a client", (_what, was, is, told) => {
  const text = JSON.stringify(document);
  expect(text).toContain(was);
  expect(breaksOf(document, JSON.parse(text.replace(was, is)))[0]).toBe(told);
});

test("what is new breaks none: an operation, a field of an answer, one that may be given, a word", () => {
  const text = JSON.stringify(document)
    .replace('"put":', '"post":{"responses":{}},"put":')
    .replace('"parts":', '"size":{"type":"number"},"parts":')
    .replace(`{${name}},"required":["name"]`, `{${name},"size":{"type":"number"}},"required":["name"]`)
    .replace('["new","old"]', '["new","old","lost"]');
  expect(breaksOf(document, JSON.parse(text))).toEqual([]);
});
