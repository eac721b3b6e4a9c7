import type { z } from "zod";
import { eventStreamAnswer } from "../answers/operator.ts";
import { csvAnswer, csvOfPeopleAnswer } from "../answers/people.ts";
import { jsonLinesType, type Operation } from "../operations/operation.ts";
import { problemResponses } from "./problems.ts";
import type { Json, Schemas } from "./schemas.ts";
import type { Told } from "./told.ts";

const otherTypes = new Map<z.ZodType, string>([
  [csvAnswer, "text/csv"],
  [csvOfPeopleAnswer, "text/csv"],
  [eventStreamAnswer, "text/event-stream"],
]);

/** An operation without what it does. */
export type Described = Omit<Operation<never>, "call">;

export function describe(schemas: Schemas, operationId: string, operation: Described): Json {
  const { tag, summary, description, by, answers } = operation;
  const requestBody = describeBody(schemas, operation);
  const answered = Object.entries(answers).map(([status, schema]) => {
    if (!schema) return [status, { description: "Done." }];
    const type = otherTypes.get(schema) ?? "application/json";
    return [status, { description: "As asked.", content: { [type]: { schema: schemas.of(schema, "output") } } }];
  });
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: by === "operator" ? [{ operator: [] }] : [{ operator: [] }, { key: [] }],
    parameters: [
      ...describeParameters(schemas, "path", operation.params.shape),
      ...describeParameters(schemas, "query", operation.query.shape),
      ...describeParameters(schemas, "header", operation.headers.shape),
    ],
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...Object.fromEntries(answered), ...describeProblems(operation) },
  };
}

function describeParameters(schemas: Schemas, place: "path" | "query" | "header", shape: z.core.$ZodShape): Json[] {
  return Object.entries(shape).map(([name, schema]) => {
    const { description, ...rest } = schemas.of(schema as z.ZodType, "input");
    const required = place === "path" || !(schema as z.ZodType).safeParse(undefined).success;
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest };
  });
}

function describeBody(schemas: Schemas, { body, csvLimit, takesLines }: Described): Json | undefined {
  if (!body) return undefined;
  const csv = csvLimit === undefined ? {} : { "text/csv": { schema: { type: "string" } } };
  const lines = takesLines ? { [jsonLinesType]: { schema: { type: "string" } } } : {};
  return { required: true, content: { "application/json": { schema: schemas.of(body, "input") }, ...csv, ...lines } };
}

const always = [400, 401, 403, 413, 415, 422, 500, 503] as const;

/** What any operation may answer, and what this one says of its own. */
function describeProblems({ params, errors = {} }: Described): Json {
  const hasParams = Object.keys(params.shape).length > 0;
  const any = [...always, ...(hasParams ? ([404] as const) : [])];
  const common = any.map((status) => [status, { $ref: `#/components/responses/${problemResponses[status][0]}` }]);
  const own = Object.entries(errors).map(([status, description]) => [
    status,
    { description, content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } },
  ]);
  return Object.fromEntries([...common, ...own]);
}

export function describeTold(schemas: Schemas, name: string, { tag, summary, headers, body, answers }: Told): Json {
  const responses = Object.entries(answers).map(([status, { description, body: answered }]) => [
    status,
    answered
      ? { description, content: { "application/json": { schema: schemas.of(answered, "input") } } }
      : { description },
  ]);
  return {
    operationId: `${name}Webhook`,
    tags: [tag],
    summary,
    security: [],
    parameters: describeParameters(schemas, "header", headers),
    requestBody: { required: true, content: { "application/json": { schema: schemas.of(body, "output") } } },
    responses: Object.fromEntries(responses),
  };
}
