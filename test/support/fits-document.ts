import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { type Described, describe } from "../../src/http/openapi/describe.ts";
import { apiOperations } from "../../src/http/openapi/document.ts";
import { createSchemas } from "../../src/http/openapi/schemas.ts";

const schemas = createSchemas(true);
const ajv = new Ajv2020({ strict: false, validateFormats: false });
const routes = Object.entries(apiOperations).map(([id, operation]) => {
  const pattern = new RegExp(`^${operation.path.replace(/\{\w+\}/g, "[^/]+")}/?$`);
  return { id, operation, pattern, check: undefined as ReturnType<typeof checkOf> | undefined };
});

/** Throws when the document of the API does not say that this can be answered. What is no operation may answer as it likes. */
export function requireFit(method: string, url: string, { status, body }: { status: number; body: unknown }): void {
  const path = url.split("?")[0] ?? "";
  const fitting = routes.filter(({ operation, pattern }) => operation.method === method && pattern.test(path));
  // `/deliveries/replay` is its own, and no id.
  const route = fitting.find(({ operation }) => operation.path === path) ?? fitting[0];
  if (!route) return;
  route.check ??= checkOf(route.id, route.operation);
  const wrong = route.check(status, body);
  if (wrong !== undefined)
    throw new Error(`${method} ${path} answers ${status}, and its document: ${wrong}: ${JSON.stringify(body)}`);
}

function checkOf(id: string, operation: Described): (status: number, body: unknown) => string | undefined {
  const { responses } = describe(schemas, id, operation) as { responses: Record<string, ResponseObject> };
  const validators = new Map<number, ValidateFunction>();
  return (status, body) => {
    const response = responses[status];
    if (!response) return `has ${Object.keys(responses)}`;
    const schema = response.content?.["application/json"]?.schema;
    if (!schema) return undefined;
    const validate = validators.get(status) ?? ajv.compile({ allOf: [schema], components: { schemas: schemas.named } });
    validators.set(status, validate);
    return validate(body) ? undefined : ajv.errorsText(validate.errors);
  };
}

interface ResponseObject {
  content?: Record<string, { schema: object }>;
}
