import { describe, expect, test } from "vitest";
import { compareDeviations } from "./deviations.ts";
import { createOpenapi, type Exchange } from "./openapi.ts";
import { type OpenapiDocument, readOpenapi } from "./openapi-files.ts";

/** A small API as HighLevel writes its own: what `npm run contract` holds must be able to fail. */
const schemas = {
  Body: {
    type: "object",
    properties: {
      type: { type: "string", enum: ["SMS"] },
      tags: { type: "array", items: { $ref: "#/components/schemas/Tag" } },
    },
    required: ["type"],
  },
  Tag: { type: "object", properties: { default: { type: "boolean" }, at: { type: "string", format: "date-time" } } },
};
const json = (schema: Record<string, unknown>) => ({ content: { "application/json": { schema } } });
const refusal = json({ $ref: "../common/common-schemas.json#/components/schemas/BadRequestDTO" });
const version = {
  name: "Version",
  in: "header",
  required: true,
  schema: { type: "string", enum: ["2021-04-15"] },
} as const;
const document: OpenapiDocument = {
  paths: {
    "/things/": {
      post: {
        parameters: [version, { name: "limit", in: "query", schema: { type: "number" } }],
        requestBody: { required: true, ...json({ $ref: "#/components/schemas/Body" }) },
        responses: { 200: json({ $ref: "#/components/schemas/Tag" }), 400: refusal },
      },
    },
    "/things/{id}": { get: { responses: { 200: json({ type: "object" }) } } },
  },
  components: { schemas },
};
const bad = { type: "object", properties: { statusCode: { type: "number" }, message: { type: "string" } } };
const generation = { documents: [document], common: { paths: {}, components: { schemas: { BadRequestDTO: bad } } } };
const openapi = createOpenapi({ dated: generation, v3: { ...generation, documents: [] } });

const headers = { version: "2021-04-15", "content-type": "application/json" };
type Said = Partial<Omit<Exchange, "body" | "answer">> & { body?: unknown; status?: number; answer?: unknown };
const problemsOf = ({ body = { type: "SMS" }, status = 200, answer = {}, ...said }: Said) =>
  openapi.problemsOf({
    ...{ method: "POST", url: "/things/?limit=5", headers, ...said },
    body: Buffer.from(JSON.stringify(body)),
    answer: { status, contentType: "application/json; charset=utf-8", body: Buffer.from(JSON.stringify(answer)) },
  });

describe("an exchange", () => {
  test("as published has no problems", async () => {
    const tags = [{ default: true, at: "2026-11-21T10:00:00+01:00" }];
    expect(await problemsOf({ body: { type: "SMS", tags }, answer: { default: false } })).toEqual([]);
    expect(await problemsOf({ status: 400, answer: { statusCode: 400, message: "no" } })).toEqual([]);
  });

  test.each<[string, Said, string]>([
    ["of another path", { url: "/things" }, "POST /things: is not published"],
    ["of another version", { headers: { ...headers, version: "v3" } }, "POST /things/: is not published"],
    [
      "of an older version",
      { headers: { ...headers, version: "1" } },
      "request header Version is none of the published words",
    ],
    ["with an undeclared query", { url: "/things/?page=1" }, "request query page is not declared"],
    ["with a wrong query", { url: "/things/?limit=x" }, "request query limit must be number"],
    ["without a field", { body: {} }, "request type is missing"],
    ["with an undeclared field", { body: { type: "SMS", more: 1 } }, "request more is not declared"],
    ["with another word", { body: { type: "Fax" } }, "request type is none of the published words"],
    [
      "with a wrong field of an entry",
      { body: { type: "SMS", tags: [{ default: "x" }] } },
      "request tags[].default must be boolean",
    ],
    [
      "with a time that is none",
      { body: { type: "SMS", tags: [{ at: "soon" }] } },
      'request tags[].at must match format "date-time"',
    ],
    ["with an undeclared field in its answer", { answer: { traceId: "x" } }, "answer 200 traceId is not declared"],
    ["with a wrong refusal", { status: 400, answer: { message: ["no"] } }, "answer 400 message must be string"],
    ["with an answer of another status", { status: 409, answer: {} }, "answer 409 is not published"],
  ])("%s has one", async (_what, said, problem) => {
    const line = problem.startsWith("POST") ? problem : `POST /things/: ${problem}`;
    expect(await problemsOf(said)).toEqual([line]);
  });
});

describe("a known deviation", () => {
  const known = { published: "a", real: "b", source: "c" };

  test("explains the lines that it fits, and no others", () => {
    const deviations = [{ ...known, problems: ["*: answer 4?? traceId is not declared"] }];
    const lines = ["GET /a: answer 404 traceId is not declared", "GET /a: answer 200 traceId is not declared"];
    expect(compareDeviations(lines, deviations)).toEqual({ unexplained: [lines[1]], outdated: [] });
  });

  test("that is none any longer is told", () => {
    const deviations = [{ ...known, problems: ["GET /a: answer 200 x is missing", "GET /a: answer 200 y is missing"] }];
    expect(compareDeviations(["GET /a: answer 200 x is missing"], deviations).outdated).toEqual([
      "GET /a: answer 200 y is missing",
    ]);
  });
});

test.each([[undefined], [""], ["/nowhere"]])(
  "without HighLevel's files in %s it is said where they are to be had",
  (folder) => {
    expect(() => readOpenapi(folder)).toThrow(
      /HIGHLEVEL_OPENAPI.*https:\/\/github\.com\/GoHighLevel\/highlevel-api-docs/,
    );
  },
);
