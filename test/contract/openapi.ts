import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { z } from "zod";
import type { Generation, OpenapiDocument, PublishedOperation } from "./openapi-files.ts";

/** One request as it went over the wire, and its answer. */
export interface Exchange {
  method: string;
  /** With the query. */
  url: string;
  headers: Record<string, string>;
  body: Buffer;
  answer: { status: number; contentType: string; body: Buffer };
}

export interface Openapi {
  /**
   * All in which an exchange is not as published, each in one line such as
   * `POST /contacts/upsert: request phone must be string`. What no schema declares counts as well.
   */
  problemsOf(exchange: Exchange): Promise<string[]>;
}

/** Holds exchanges against HighLevel's documents: those of Version v3, and those of the dated versions before it. */
export function createOpenapi(generations: { dated: Generation; v3: Generation }): Openapi {
  const judges = { dated: createJudge(generations.dated), v3: createJudge(generations.v3) };
  return {
    async problemsOf(exchange) {
      const judge = exchange.headers["version"] === "v3" ? judges.v3 : judges.dated;
      return [...new Set(await judge(exchange))];
    },
  };
}

function createJudge({ documents, common }: Generation): (exchange: Exchange) => Promise<string[]> {
  const compile = createCompiler([...documents, common]);
  const operations = documents.flatMap((document, index) =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation, document: index })),
    ),
  );

  function check(schema: Record<string, unknown>, document: number, value: unknown): string[] {
    const validate = compile(schema, document);
    return validate(value) ? [] : (validate.errors ?? []).map(describe);
  }

  return async (exchange) => {
    const { pathname, searchParams } = new URL(exchange.url, "http://highlevel.example");
    const found = operations
      .filter(({ method, path }) => method.toUpperCase() === exchange.method && patternOf(path).test(pathname))
      // A path of its own goes before one with a parameter.
      .sort((a, b) => a.path.split("{").length - b.path.split("{").length)[0];
    if (!found) return [`${exchange.method} ${pathname}: is not published`];
    const { operation, document } = found;
    const checkHere = (schema: Record<string, unknown>, value: unknown) => check(schema, document, value);
    const request = [
      ...parameterProblems(operation, exchange, searchParams, checkHere),
      ...(await bodyProblems(operation, exchange, checkHere)),
    ].map((problem) => `request ${problem}`);
    const answer = answerProblems(operation, exchange, checkHere, (name, value) =>
      common.components.schemas[name] ? check(commonRef(name), document, value) : [],
    );
    return [...request, ...answer].map((problem) => `${exchange.method} ${found.path}: ${problem}`);
  };
}

type Check = (schema: Record<string, unknown>, value: unknown) => string[];

function parameterProblems(operation: PublishedOperation, exchange: Exchange, query: URLSearchParams, check: Check) {
  const { parameters = [] } = operation;
  const declared = parameters.filter((each) => each.in === "query").map(({ name }) => name);
  const undeclared = [...query.keys()].filter((name) => !declared.includes(name));
  const wrong = parameters.flatMap(({ name, in: place, required, schema }) => {
    const given = place === "query" ? query.get(name) : exchange.headers[name.toLowerCase()];
    if (place === "path") return [];
    if (given === null || given === undefined) return required ? [`${place} ${name} is missing`] : [];
    const value = schema["type"] === "number" && given !== "" ? Number(given) : given;
    return check(schema, value).map((problem) => `${place} ${name} ${problem.trim()}`);
  });
  return [...undeclared.map((name) => `query ${name} is not declared`), ...wrong];
}

async function bodyProblems({ requestBody }: PublishedOperation, exchange: Exchange, check: Check): Promise<string[]> {
  const type = mediaTypeOf(exchange.headers["content-type"]);
  if (!requestBody) return exchange.body.length > 0 ? ["body is not declared"] : [];
  if (exchange.body.length === 0) return requestBody.required ? ["body is missing"] : [];
  const content = requestBody.content[type];
  if (!content) return [`body of type ${type} is not published`];
  return check(content.schema, await readBody(type, exchange));
}

async function readBody(type: string, { headers, body }: Exchange): Promise<unknown> {
  if (type === "application/json") return JSON.parse(body.toString());
  const form = await new Response(new Uint8Array(body), {
    headers: { "content-type": headers["content-type"] ?? "" },
  }).formData();
  return Object.fromEntries([...form].map(([name, value]) => [name, typeof value === "string" ? value : "(a file)"]));
}

/** The names of the refusals that all documents share. */
const refusals: Record<number, string> = {
  400: "BadRequestDTO",
  401: "UnauthorizedDTO",
  403: "ForbiddenDTO",
  404: "NotFoundDTO",
  422: "UnprocessableDTO",
};

function answerProblems(
  { responses }: PublishedOperation,
  { answer }: Exchange,
  check: Check,
  checkCommon: (name: string, value: unknown) => string[],
): string[] {
  const about = (problem: string) => `answer ${answer.status} ${problem}`;
  const response = responses[answer.status];
  const unpublished = response ? [] : [about("is not published")];
  const content = response?.content?.[mediaTypeOf(answer.contentType)];
  if (response && !response.content) return unpublished;
  const common = refusals[answer.status];
  if (!content && (response || !common)) return response ? [about("is not JSON")] : unpublished;
  const value = JSON.parse(answer.body.toString());
  return [...unpublished, ...(content ? check(content.schema, value) : checkCommon(common ?? "", value)).map(about)];
}

const mediaTypeOf = (header = "") => (header.split(";")[0] ?? "").trim().toLowerCase();

/** `/a/{id}` as an expression for whole paths. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

const uriOf = (index: number | "common") => `openapi:${index}`;
const commonRef = (name: string) => ({ $ref: `openapi:common#/components/schemas/${name}` });

/** Schemas of OpenAPI 3.0 for Ajv, which knows `nullable`; what it has beside JSON Schema is left unread. The last document is the common one. */
function createCompiler(
  documents: OpenapiDocument[],
): (schema: Record<string, unknown>, document: number) => ValidateFunction {
  const isDateTime = (text: string) => z.iso.datetime({ offset: true }).safeParse(text).success;
  const ajv = new Ajv({
    strict: false,
    strictNumbers: true,
    allErrors: true,
    validateSchema: false,
    formats: { "date-time": isDateTime },
  });
  documents.forEach((document, index) => {
    const uri = uriOf(index === documents.length - 1 ? "common" : index);
    ajv.addSchema({ $id: uri, components: close(document.components) });
  });
  const compiled = new Map<Record<string, unknown>, ValidateFunction>();
  return (schema, document) => {
    const known = compiled.get(schema);
    if (known) return known;
    const validate = ajv.compile({
      ...absolute(close(schema), uriOf(document)),
      $id: `openapi:of/${compiled.size}/${document}`,
    });
    compiled.set(schema, validate);
    return validate;
  };
}

/**
 * The same schema as strict as it reads: an object has no fields but the declared ones. References to the refusals in
 * common are made to lead there, and `any`, which is no type, is left out.
 */
function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, value]) => {
    const isCommon = key === "$ref" && typeof value === "string" && value.includes("common-schemas.json#");
    return [key, isCommon ? value.replace(/^.*#/, `${uriOf("common")}#`) : close(value)];
  });
  const closed = Object.fromEntries(entries);
  if (closed.type === "any") delete closed.type;
  if (closed.properties && !("additionalProperties" in closed) && closed.type === "object")
    closed.additionalProperties = false;
  return closed;
}

/** References within the document, from outside of it. */
function absolute(schema: unknown, uri: string): Record<string, unknown> {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#', `"$ref":"${uri}#`));
}

/** In few words, without the numbers of list entries. */
function describe({ instancePath, keyword, params, message }: ErrorObject): string {
  const place = instancePath
    .slice(1)
    .replaceAll(/(^|\/)\d+(?=\/|$)/g, "[]")
    .replaceAll("/", ".");
  const field = (name: string) => [place, name].filter(Boolean).join(".");
  if (keyword === "required") return `${field(params["missingProperty"])} is missing`;
  if (keyword === "additionalProperties") return `${field(params["additionalProperty"])} is not declared`;
  if (keyword === "enum") return `${place} is none of the published words`;
  return `${place} ${message}`;
}
